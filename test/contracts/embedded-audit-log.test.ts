import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { openEmbeddedAuditLog } from "@meterbook/adapters/embedded/audit-log/embedded-audit-log";
import { backUpDirectory } from "@meterbook/adapters/embedded/directory/back-up-directory";
import { prepareDataDirectory } from "@meterbook/adapters/embedded/directory/data-directory";
import { keepMarks } from "@meterbook/adapters/embedded/directory/keep-marks";
import { restoreDirectory } from "@meterbook/adapters/embedded/directory/restore-directory";
import { encodeRead } from "@meterbook/adapters/sqlite-views/audit-log/audit-table";
import { systemClock } from "@meterbook/core/ports/clock";
import { describe, expect, onTestFinished, test } from "vitest";
import { flippedBit } from "../support/flipped-bit.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";
import { aPersonalRead, auditLogContract } from "./audit-log.contract.ts";

const nowMs = 1_793_484_000_000;

describe("embedded", () => {
  auditLogContract(async () => {
    const dataDir = await temporaryDirectory();
    const retentionDays = 30;
    const open = async (options = {}) =>
      openEmbeddedAuditLog({ dataDir, retentionDays, nowMs: () => nowMs, ...options });
    return {
      nowMs,
      retentionDays,
      open,
      async putDamaged(read) {
        const log = await open();
        await log.put([read]);
        await log.close();
        const database = new DatabaseSync(join(dataDir, "audit.db"));
        const change = "UPDATE personal_read SET body = ? WHERE id = (SELECT max(id) FROM personal_read)";
        database.prepare(change).run(flippedBit(encodeRead(read)));
        database.close();
      },
    };
  });

  test("who has read what is in a backup, and there again after a restore", async () => {
    const [dataDir, place] = [await temporaryDirectory(), await temporaryDirectory()];
    prepareDataDirectory(dataDir);
    const open = (directory: string) =>
      openEmbeddedAuditLog({ dataDir: directory, retentionDays: 30, nowMs: () => nowMs });
    const log = open(dataDir);
    await log.put([aPersonalRead(nowMs, { query: "1" }), aPersonalRead(nowMs, { query: "2" })]);
    const [copy, restored] = [join(place, "copy"), join(place, "restored")];
    const { files } = await backUpDirectory(dataDir, copy, nowMs);
    expect(files["audit.db"]?.facts).toEqual({ count: 2 });
    await log.put([aPersonalRead(nowMs, { query: "3" })]);
    await log.close();
    await restoreDirectory(copy, restored, { occupied: "refuse", nowMs });
    prepareDataDirectory(restored);
    const again = open(restored);
    onTestFinished(() => again.close());
    await again.put([aPersonalRead(nowMs, { query: "4" })]);
    expect((await again.list({ limit: 9 })).map(({ id, query }) => [id, query])).toEqual([
      [3, "4"],
      [2, "2"],
      [1, "1"],
    ]);
  });

  test("the newest entry is never forgotten, so a clock that leapt makes no start believe that entries are lost", async () => {
    const dataDir = await temporaryDirectory();
    prepareDataDirectory(dataDir);
    let leapMs = 0;
    const marks = keepMarks(dataDir, { ...systemClock, nowMs: () => nowMs });
    const log = openEmbeddedAuditLog({ dataDir, retentionDays: 30, nowMs: () => nowMs + leapMs });
    await log.put([aPersonalRead(nowMs, { query: "1" }), aPersonalRead(nowMs, { query: "2" })]);
    leapMs = 40 * 86_400_000;
    await log.put([aPersonalRead(nowMs, { query: "3" })]);
    expect((await log.list({ limit: 9 })).map(({ id, query }) => [id, query])).toEqual([[3, "3"]]);
    await log.put([aPersonalRead(nowMs, { query: "4" })]);
    expect((await log.list({ limit: 9 })).map(({ id, query }) => [id, query])).toEqual([[4, "4"]]);
    await log.close();
    marks.close();
    prepareDataDirectory(dataDir);
  });
});
