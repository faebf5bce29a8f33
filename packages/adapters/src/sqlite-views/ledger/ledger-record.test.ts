import { hash as digest } from "node:crypto";
import { canonicalContent } from "@meterbook/core/domain/snapshot/canonical-content";
import type { Snapshot } from "@meterbook/core/domain/snapshot/snapshot";
import { expect, test } from "vitest";
import { encodeLedgerRecord, verifyLedgerRecord } from "./ledger-record.ts";

const content = { meterId: "m-1", usagePointId: "up-1", period: 24_321, boundary: 1_793_484_000, registers: [] };
const snapshot: Snapshot = {
  ...content,
  revision: 2,
  lifecycle: "final",
  issuedAtMs: 1_793_743_205_123,
  reason: "window closed",
  hash: `sha256:${digest("sha256", canonicalContent(content))}`,
};
const key = { meterId: "m-1", period: 24_321, revision: 2 };

test("a record is what was written, under its own key, with its own hash", () => {
  const body = encodeLedgerRecord(snapshot);
  expect(verifyLedgerRecord(body, key)).toEqual({ snapshot });
  expect(verifyLedgerRecord(body, { ...key, revision: 1 }).code).toBe("key_mismatch");
  expect(verifyLedgerRecord(encodeLedgerRecord({ ...snapshot, usagePointId: "up-2" }), key).code).toBe("hash_mismatch");
  expect(verifyLedgerRecord(null, key).code).toBe("records_lost");
});

test("H06: any bit that is flipped is found", () => {
  const body = encodeLedgerRecord(snapshot);
  for (let bit = 0; bit < body.length * 8; bit += 1) {
    const flipped = Buffer.from(body);
    flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    expect(verifyLedgerRecord(flipped, key).code, `bit ${bit}`).toBe("checksum_mismatch");
  }
});
