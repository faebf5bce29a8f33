import { join } from "node:path";
import { openEmbeddedRejectedLog } from "@meterbook/adapters/embedded/embedded-rejected-log";
import { expect, test } from "vitest";
import { databaseBytes } from "../support/database-bytes.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";
import { aRejection, rejectedLogContract } from "./rejected-log.contract.ts";

rejectedLogContract(async () => {
  const dataDir = await temporaryDirectory();
  return {
    open: async () => openEmbeddedRejectedLog({ dataDir }),
    bytesKept: async () => databaseBytes(join(dataDir, "rejected.db")),
  };
});

test("H10: what is older than it is kept goes, oldest first, and still counts; shares are what is left", async () => {
  const dataDir = await temporaryDirectory();
  const dayMs = 86_400_000;
  const log = openEmbeddedRejectedLog({ dataDir });
  const days = [1, 1, 2, 5, 9];
  for (const [n, day] of days.entries())
    await log.append([aRejection({ receivedAtMs: day * dayMs, detail: `${n}`, senderName: n < 3 ? "a" : "b" })]);
  const [first] = await log.list({ limit: 1, includeReplayed: true });
  await log.markReplayed(first?.id ?? "", 7);
  const before = log.shares();
  await log.close();
  const forgotten: number[] = [];
  const retention = { retentionDays: 4, nowMs: () => 7 * dayMs, forgot: (count: number) => void forgotten.push(count) };
  const again = openEmbeddedRejectedLog({ dataDir, retention });
  expect(forgotten).toEqual([3]);
  expect((await again.list({ limit: 9, includeReplayed: true })).map(({ detail }) => detail)).toEqual(["3", "4"]);
  expect(await again.get(first?.id ?? "")).toBeUndefined();
  expect(await again.totals()).toEqual({ open: 4, byReason: { report_malformed: 4 } });
  expect([...again.shares().keys()]).toEqual(["b"]);
  expect(again.shares().get("b")).toBe(before.get("b"));
  await again.close();
});
