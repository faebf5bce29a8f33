import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { openEmbeddedJobLog } from "@meterbook/adapters/embedded/job-log/embedded-job-log";
import { encodeJob } from "@meterbook/adapters/sqlite-views/job-log/job-table";
import { describe } from "vitest";
import { flippedBit } from "../support/flipped-bit.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";
import { jobLogContract } from "./job-log.contract.ts";

describe("embedded", () => {
  jobLogContract(async () => {
    const dataDir = await temporaryDirectory();
    return {
      open: async () => openEmbeddedJobLog({ dataDir }),
      async putDamaged(job) {
        const log = openEmbeddedJobLog({ dataDir });
        await log.put(job);
        await log.close();
        const database = new DatabaseSync(join(dataDir, "jobs.db"));
        database.prepare("UPDATE job SET body = ? WHERE id = ?").run(flippedBit(encodeJob(job)), job.id);
        database.close();
      },
    };
  });
});
