// Goal: a damaged file that nothing relies on keeps a start from nothing but a word: which file, what is lost, how to
// go on (N11).
// Method: each such file is damaged; a start, verify and repair are asked as the commands ask them.
import { readdir, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { openEmbeddedBillingLog } from "@meterbook/adapters/embedded/billing-log/embedded-billing-log";
import { openEmbeddedDamageLog } from "@meterbook/adapters/embedded/damage-log/embedded-damage-log";
import { besideFiles } from "@meterbook/adapters/embedded/directory/beside-files";
import { prepareDataDirectory } from "@meterbook/adapters/embedded/directory/data-directory";
import { acceptLoss, troublesOf } from "@meterbook/adapters/embedded/directory/repair-directory";
import { openEmbeddedGapLog } from "@meterbook/adapters/embedded/gap-log/embedded-gap-log";
import { openEmbeddedGroupSums } from "@meterbook/adapters/embedded/group-sums/embedded-group-sums";
import { openEmbeddedJobLog } from "@meterbook/adapters/embedded/job-log/embedded-job-log";
import { verifyDirectory } from "@meterbook/adapters/embedded/verify/verify-directory";
import { beforeEach, expect, test } from "vitest";
import { temporaryDirectory } from "../support/temporary-directory.ts";

const open = {
  billing: openEmbeddedBillingLog,
  jobs: openEmbeddedJobLog,
  gaps: openEmbeddedGapLog,
  groups: openEmbeddedGroupSums,
};
const nowMs = Date.UTC(2026, 10, 30);

let dataDir: string;
beforeEach(async () => {
  dataDir = await temporaryDirectory();
  prepareDataDirectory(dataDir);
});

const damages = {
  "is something else": (path: string) => writeFile(path, "nonsense ".repeat(2000)),
  "is cut off": (path: string) => truncate(path, 5000),
};

test.for(besideFiles.flatMap((file) => Object.entries(damages).map(([how, damage]) => [file, how, damage] as const)))(
  "N11: %s.db %s: a start names it, what is lost and how to go on, and goes on so",
  async ([file, , damage]) => {
    await open[file]({ dataDir }).close();
    expect(troublesOf(dataDir)).toEqual([]);
    await damage(join(dataDir, `${file}.db`));
    const command = `npm run repair -- --accept-loss ${file} --reason WHY`;
    expect(() => prepareDataDirectory(dataDir)).toThrow(
      new RegExp(`${file}\\.db cannot be read.*\\n +lost: [^]*${command}`),
    );
    expect((await verifyDirectory(dataDir)).troubles).toMatchObject([{ file }]);

    await acceptLoss(dataDir, { file, reason: "a bad disk", nowMs });
    expect(troublesOf(dataDir)).toEqual([]);
    prepareDataDirectory(dataDir);
    await open[file]({ dataDir }).close();
    expect((await readdir(dataDir)).filter((name) => name.startsWith(`${file}.db.set-aside-`))).toHaveLength(1);
    const log = openEmbeddedDamageLog({ dataDir });
    const found = await log.list({ includeAcknowledged: false, limit: 10 });
    await log.close();
    expect(found.map(({ detail }) => detail)).toEqual([
      expect.stringMatching(new RegExp(`^${file}\\.db.*a bad disk$`)),
    ]);
    await expect(acceptLoss(dataDir, { file, reason: "again", nowMs })).rejects.toThrow("nothing is lost");
  },
);
