import { expect, test } from "vitest";
import type { Damage } from "../domain/damage/damage.ts";
import { checkDamageRecord, encodeDamageRecord } from "./damage-record-protobuf.ts";

const damage: Damage = {
  id: "series:bucket",
  place: "series",
  code: "store_behind",
  where: "bucket",
  detail: "d",
  help: "h",
  meterId: "m-1",
  period: "2026-10",
  lost: 17,
  foundAtMs: 1_793_484_000_123,
};

test.for([
  { kind: "damage", damage },
  { kind: "damage", damage: { ...damage, meterId: null, period: null, lost: null } },
  { kind: "damage", damage: { ...damage, place: "a newer place" as never } },
  { kind: "acknowledgement", id: "series:bucket", word: { atMs: 5, by: "anna", reason: "seen" } },
  { kind: "order", id: "ledger:m-1", order: { atMs: 5, by: "anna", reason: "strike it" } },
  { kind: "mending", id: "a", mending: { atMs: 5, outcome: "repaired", detail: "all", lost: 0 } },
  { kind: "mending", id: "a", mending: { atMs: 5, outcome: "struck", detail: "revision 2", lost: null } },
] as const)("%j comes back as it was", (record) => {
  expect(checkDamageRecord(encodeDamageRecord(record))).toEqual({ record });
});

test("any bit that is flipped is noticed", () => {
  const bytes = encodeDamageRecord({ kind: "damage", damage });
  for (let bit = 0; bit < bytes.length * 8; bit += 1) {
    const flipped = Buffer.from(bytes);
    flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    expect(checkDamageRecord(flipped).fault?.code).toBe("checksum_mismatch");
  }
});
