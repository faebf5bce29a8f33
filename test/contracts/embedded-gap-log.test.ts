import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { openEmbeddedGapLog } from "@meterbook/adapters/embedded/gap-log/embedded-gap-log";
import { encodeMeterGaps } from "@meterbook/adapters/sqlite-views/gap-log/gap-record";
import { describe } from "vitest";
import { flippedBit } from "../support/flipped-bit.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";
import { gapLogContract } from "./gap-log.contract.ts";

describe("embedded", () => {
  gapLogContract(async () => {
    const dataDir = await temporaryDirectory();
    return {
      open: async () => openEmbeddedGapLog({ dataDir }),
      async putDamaged(gaps) {
        const log = openEmbeddedGapLog({ dataDir });
        await log.put([gaps]);
        await log.close();
        const database = new DatabaseSync(join(dataDir, "gaps.db"));
        const damaged = flippedBit(encodeMeterGaps(gaps));
        database.prepare("UPDATE meter_gaps SET body = ? WHERE meter_id = ?").run(damaged, gaps.meterId);
        database.close();
      },
    };
  });
});
