import { fileURLToPath } from "node:url";
import fc from "fast-check";
import protobuf from "protobufjs";
import { expect, test } from "vitest";
import { judgedRules } from "../domain/snapshot/finding.ts";
import type { RegisterSnapshot, Snapshot } from "../domain/snapshot/snapshot.ts";
import { decodeSnapshot } from "./decode-snapshot.ts";
import { encodeSnapshot } from "./encode-snapshot.ts";

const full: RegisterSnapshot = {
  register: "1.8.0",
  usagePointId: "up-0",
  unit: "varh",
  value: 12_345_678_901,
  valueQuality: "derived",
  opening: 0,
  openingBasis: "first-reading",
  openingAt: 1_790_000_000,
  carried: -1234,
  from: 1_790_000_000,
  to: 1_790_000_900,
  consumption: Number.MAX_SAFE_INTEGER,
  quality: "suspect",
  method: "REG_PLUS_INTERVALS",
  origin: "operator",
  readAt: 1_790_000_000,
  before: { at: 1_790_000_000, value: 12_345_678_000, quality: "estimated" },
  after: { at: 1_790_000_900, value: 7, quality: "derived" },
  intervals: { expected: 2976, present: 0 },
  fault: "register_ran_backwards",
  findings: [
    { rule: "V15", at: 1_790_000_000 },
    { rule: "V13", at: 1_790_000_900 },
  ],
  estimate: {
    method: "FLAT_BETWEEN",
    inputs: ["2026-10-01T00:00:00Z", "m-1/2026-10/2"],
    low: 5,
    high: 7,
    cap: 9,
    outageSeconds: 3600,
  },
};
const bare: RegisterSnapshot = {
  ...full,
  value: null,
  opening: null,
  openingBasis: null,
  openingAt: null,
  carried: null,
  from: null,
  to: null,
  consumption: null,
  origin: null,
  readAt: null,
  before: null,
  after: null,
  intervals: null,
  fault: null,
  findings: [],
  estimate: null,
  usagePointId: null,
};
const snapshot: Snapshot = {
  meterId: "m-1",
  usagePointId: "up-1",
  period: 2026 * 12 + 9,
  boundary: 1_793_484_000,
  registers: [full, bare],
  revision: 3,
  lifecycle: "revised",
  issuedAtMs: 1_793_743_205_123,
  reason: "inputs changed after final",
  hash: `sha256:${"0123456789abcdef".repeat(4)}`,
};

test("a snapshot comes back as it was", () => {
  expect(decodeSnapshot(encodeSnapshot(snapshot))).toEqual(snapshot);
  const own = { ...snapshot, usagePointId: snapshot.meterId };
  expect(decodeSnapshot(encodeSnapshot(own))).toEqual(own);
});

test("a reason comes back in any language", () => {
  const words = fc.oneof(
    fc.string({ unit: "grapheme", maxLength: 220 }),
    fc.constant("inputs changed after final: accepted by anna, 1.8.0: перевірено «на місці» 👍"),
  );
  const type = fc.constantFrom([full], [full, bare]);
  fc.assert(
    fc.property(words, type, (reason, registers) => {
      const said = { ...snapshot, reason, registers };
      expect(decodeSnapshot(encodeSnapshot(said))).toEqual(said);
    }),
  );
});

test.for([Number.NaN, -1, 2 ** 53, 1.5, Number.POSITIVE_INFINITY])(
  "H02: no record is written of an amount of %d",
  (value) => {
    expect(() => encodeSnapshot({ ...snapshot, registers: [{ ...full, consumption: value }] })).toThrow(RangeError);
  },
);

test.for([
  { case: "an amount beyond the safe integers", field: [0x52, 11, 0x18, ...Buffer.alloc(8, 0xff), 0x7f, 0x10] },
  { case: "a boundary beyond the year 9999", field: [0x20, 0x80, 0xc0, 0xe8, 0x8f, 0xa5, 0x08] },
  { case: "an issue beyond the year 9999", field: [0x38, ...Buffer.alloc(7, 0xff), 0x07] },
  { case: "a period beyond the year 9999", field: [0x18, 0xff, 0xff, 0x7f] },
])("H02: no record is read that has $case: nothing could show it", ({ field }) => {
  const bytes = Buffer.concat([encodeSnapshot(snapshot), Buffer.from(field)]);
  expect(() => decodeSnapshot(bytes)).toThrow(expect.objectContaining({ name: "MalformedMessage" }));
});

test("members of a newer version are shown by their number and written again the same", () => {
  const unknown = "unknown:17" as never;
  const row = { ...full, method: unknown, fault: unknown, quality: unknown, openingBasis: unknown, origin: unknown };
  const newer = { ...snapshot, lifecycle: unknown, registers: [{ ...row, unit: unknown }] };
  const bytes = encodeSnapshot(newer);
  expect(decodeSnapshot(bytes)).toEqual(newer);
  expect(encodeSnapshot(decodeSnapshot(bytes))).toEqual(bytes);
});

test("the bytes are what the .proto file says", () => {
  const file = fileURLToPath(new URL("../../../../proto/meterbook/v1/snapshot.proto", import.meta.url));
  const type = new protobuf.Root().loadSync(file).lookupType("meterbook.v1.Snapshot");
  const message = type.toObject(type.decode(encodeSnapshot(snapshot)), { longs: Number, bytes: String });
  expect(message).toMatchObject({
    meterId: "m-1",
    usagePointId: "up-1",
    period: 24321,
    revision: 3,
    lifecycle: 2,
    issuedAtMs: 1_793_743_205_123,
  });
  expect(message["registers"][0]).toEqual({
    register: "1.8.0",
    usagePointId: "up-0",
    unit: 1,
    value: 12_345_678_901,
    valueQuality: 1,
    opening: 0,
    openingBasis: 2,
    consumption: Number.MAX_SAFE_INTEGER,
    quality: 3,
    method: 1,
    origin: 3,
    readAt: 1_790_000_000,
    before: { at: 1_790_000_000, value: 12_345_678_000, quality: 2 },
    after: { at: 1_790_000_900, value: 7, quality: 1 },
    intervalsExpected: 2976,
    intervalsPresent: 0,
    fault: 0,
    openingAt: 1_790_000_000,
    carried: -1234,
    from: 1_790_000_000,
    to: 1_790_000_900,
    findings: [
      { rule: judgedRules.indexOf("V15"), at: 1_790_000_000 },
      { rule: judgedRules.indexOf("V13"), at: 1_790_000_900 },
    ],
    estimate: {
      method: 3,
      inputs: ["2026-10-01T00:00:00Z", "m-1/2026-10/2"],
      low: 5,
      high: 7,
      cap: 9,
      outageSeconds: 3600,
    },
  });
  expect(Object.keys(message["registers"][1])).toEqual(["register", "unit", "valueQuality", "quality", "method"]);
});

test("a record of a later version with unknown fields is read, one with an unknown member is not", () => {
  const extra = Buffer.concat([encodeSnapshot(snapshot), Buffer.from([0xa8, 0x01, 0x05])]);
  expect(decodeSnapshot(extra)).toEqual(snapshot);
});
