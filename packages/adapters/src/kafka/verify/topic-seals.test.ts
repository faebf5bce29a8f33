import { leafHash, merkleRoot } from "@meterbook/core/domain/seal/merkle-tree";
import { hexOf } from "@meterbook/core/domain/seal/seal";
import { sha256 } from "@meterbook/core/records/seal/sha256";
import { expect, test } from "vitest";
import { topicSeals } from "./topic-seals.ts";

const october = 2026 * 12 + 9;
const records = ["a", "b", "c", "d"].map((text) => Buffer.from(text));
const rootOver = (of: readonly Buffer[]) =>
  hexOf(
    merkleRoot(
      sha256,
      of.map((record) => leafHash(sha256, record)),
    ),
  );
const sealOf = (size: number) => ({
  ...{ shard: 1, period: october, size, root: rootOver(records.slice(0, size)), sealedAtMs: 5 },
});

test("each seal is that of the records before it in its shard and period", () => {
  const seals = topicSeals([sealOf(1), sealOf(4)]);
  seals.add(2, october, Buffer.from("of another shard"));
  seals.add(1, october + 1, Buffer.from("of another period"));
  records.forEach((record, index) => {
    seals.add(1, october, record);
    expect(seals.check(sealOf(index + 1))).toBeUndefined();
  });
  expect([...seals.wrongKept()]).toEqual([]);
});

test("a record that was changed is told by the next seal, and by any that was kept", () => {
  const seals = topicSeals([sealOf(1), sealOf(4), { ...sealOf(4), size: 9 }]);
  for (const record of records.slice(0, 2)) seals.add(1, october, record);
  expect(seals.check(sealOf(2))).toBeUndefined();
  seals.add(1, october, Buffer.from("changed"));
  seals.add(1, october, records[3] as Buffer);
  expect(seals.check(sealOf(4))).toMatch("records 3 to 4 of the period are not those that were sealed");
  expect(seals.check(sealOf(3))).toMatch("it is over 3 records, and 4 stand before it");
  expect([...seals.wrongKept()].map(({ row }) => row)).toEqual([
    "kept seal of 2026-10 shard 1, 4 records",
    "kept seal of 2026-10 shard 1, 9 records",
  ]);
});
