import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { openEmbeddedBillingLog } from "@meterbook/adapters/embedded/billing-log/embedded-billing-log";
import { backUpDirectory } from "@meterbook/adapters/embedded/directory/back-up-directory";
import { prepareDataDirectory } from "@meterbook/adapters/embedded/directory/data-directory";
import { restoreDirectory } from "@meterbook/adapters/embedded/directory/restore-directory";
import { billingWrites, encodeLine } from "@meterbook/adapters/sqlite-views/billing-log/billing-table";
import { describe, expect, test } from "vitest";
import { flippedBit } from "../support/flipped-bit.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";
import { aLine, billingLogContract } from "./billing-log.contract.ts";

describe("embedded", () => {
  billingLogContract(async () => {
    const dataDir = await temporaryDirectory();
    return {
      open: async () => openEmbeddedBillingLog({ dataDir }),
      async putDamaged(line) {
        await openEmbeddedBillingLog({ dataDir }).close();
        const database = new DatabaseSync(join(dataDir, "billing.db"));
        billingWrites(database)(line, flippedBit(encodeLine(line)));
        database.close();
      },
    };
  });

  test("its state stays the same while nothing is said", async () => {
    const log = openEmbeddedBillingLog({ dataDir: await temporaryDirectory() });
    await log.record([aLine()]);
    const before = await log.state();
    await log.totals(aLine().period);
    await log.used({ period: aLine().period, limit: 10 });
    await log.record([aLine()]);
    expect(await log.state()).toBe(before);
    await log.close();
  });

  test("nobody changes or deletes what billing said, and a backup has it", async () => {
    const [dataDir, to, back] = [await temporaryDirectory(), await temporaryDirectory(), await temporaryDirectory()];
    prepareDataDirectory(dataDir);
    const log = openEmbeddedBillingLog({ dataDir });
    await log.record([aLine()]);
    const database = new DatabaseSync(join(dataDir, "billing.db"));
    expect(() => database.exec("UPDATE line SET revision = 2")).toThrow("never changes");
    expect(() => database.exec("DELETE FROM line")).toThrow("never deleted");
    database.close();
    await backUpDirectory(dataDir, to, 1);
    await log.close();
    await restoreDirectory(to, back, { occupied: "refuse", nowMs: 1 });
    const restored = openEmbeddedBillingLog({ dataDir: back });
    expect(await restored.ofMonth("m-1", aLine().period)).toEqual([aLine()]);
    await restored.close();
  });
});
