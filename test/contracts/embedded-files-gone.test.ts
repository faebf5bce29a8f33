// Goal: nothing is acknowledged into a file that nobody will find again. Method: each file of the data directory that
// takes acknowledged writes is taken away while it is open, and put back.
import { renameSync } from "node:fs";
import { join } from "node:path";
import { openEmbeddedDamageLog } from "@meterbook/adapters/embedded/damage-log/embedded-damage-log";
import { openEmbeddedJobLog } from "@meterbook/adapters/embedded/job-log/embedded-job-log";
import { openEmbeddedRegistry } from "@meterbook/adapters/embedded/registry/embedded-registry";
import { openEmbeddedRejectedLog } from "@meterbook/adapters/embedded/rejected-log/embedded-rejected-log";
import { systemClock as clock } from "@meterbook/core/ports/clock";
import { expect, onTestFinished, test } from "vitest";
import { temporaryDirectory } from "../support/temporary-directory.ts";
import { aDamage } from "./damage-log.contract.ts";
import { aJob } from "./job-log.contract.ts";
import { aRecord } from "./registry.contract.ts";
import { aRejection } from "./rejected-log.contract.ts";

interface Written {
  write(): Promise<void>;
  close(): Promise<void>;
}

const files: Readonly<Record<string, (dataDir: string) => Promise<Written>>> = {
  async registry(dataDir) {
    const registry = await openEmbeddedRegistry({ dataDir, clock });
    return { write: () => registry.put([aRecord("m-1")]), close: registry.close };
  },
  async rejected(dataDir) {
    const log = openEmbeddedRejectedLog({ dataDir });
    return { write: () => log.append([aRejection()]), close: log.close };
  },
  async damage(dataDir) {
    const log = openEmbeddedDamageLog({ dataDir });
    return { write: () => log.report([aDamage()]), close: log.close };
  },
  async jobs(dataDir) {
    const log = openEmbeddedJobLog({ dataDir });
    return { write: () => log.put(aJob()), close: log.close };
  },
};

test.for(Object.entries(files))(
  "%s.db that is removed while it is open takes nothing until it is back",
  async (row) => {
    const [name, open] = row;
    const dataDir = await temporaryDirectory();
    const { write, close } = await open(dataDir);
    onTestFinished(close);
    await write();
    const path = join(dataDir, `${name}.db`);
    for (const gone of [path, `${path}-wal`]) {
      renameSync(gone, join(dataDir, "kept"));
      const said = { code: "log_append_failed", message: expect.stringContaining(`${gone} (METERBOOK_DATA_DIR)`) };
      await expect(write()).rejects.toMatchObject(said);
      renameSync(join(dataDir, "kept"), gone);
      await write();
    }
  },
);
