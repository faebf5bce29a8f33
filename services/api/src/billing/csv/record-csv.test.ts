import { baseUnits, origins, readingQualities } from "@meterbook/core/domain/reading/reading";
import {
  faults,
  lifecycles,
  methods,
  openingBases,
  type RegisterSnapshot,
  type Snapshot,
  snapshotQualities,
} from "@meterbook/core/domain/snapshot/snapshot";
import type { RevisionRecord } from "@meterbook/core/ports/snapshot-ledger";
import { encodeSnapshot } from "@meterbook/core/records/encode-snapshot";
import fc from "fast-check";
import { expect, test } from "vitest";
import { aSnapshot } from "../../../../../test/support/worlds/api-world.ts";
import { recordCsvEncoder, snapshotCsvEncoder, snapshotCsvHeader } from "./snapshot-csv.ts";

const amount = fc.oneof(fc.nat(10), fc.nat(10_000_000), fc.maxSafeNat());
const instant = fc.oneof(fc.constant(1_793_484_000), fc.integer({ min: 0, max: 253_402_300_799 }));
const orNull = <Of>(one: fc.Arbitrary<Of>) => fc.option(one, { nil: null });
// What only a newer version knows is kept and shown by its number.
const member = <Name extends string>(names: readonly Name[]) =>
  fc.oneof({ weight: 30, arbitrary: fc.constantFrom(...names) }, fc.constant(`unknown:${names.length + 2}` as Name));
const evidence = fc.record({ at: instant, value: amount, quality: member(readingQualities) });
const estimate = fc.record({
  method: member(methods),
  inputs: fc.array(fc.constantFrom("2026-10-01T00:00:00Z", "m-1/2026-10/2"), { maxLength: 3 }),
  low: amount,
  high: amount,
  cap: orNull(amount),
  outageSeconds: fc.nat(86_400),
});

const registerRow: fc.Arbitrary<RegisterSnapshot> = fc.record({
  register: fc.constantFrom("1.8.0", "2.8.0", "7-0:3.0.0"),
  usagePointId: fc.oneof({ weight: 4, arbitrary: fc.constant(null) }, fc.constant("up-0")),
  unit: member(baseUnits),
  value: orNull(amount),
  valueQuality: member(snapshotQualities),
  opening: orNull(amount),
  openingBasis: orNull(member(openingBases)),
  openingAt: orNull(instant),
  carried: orNull(fc.integer({ min: -(2 ** 40), max: 2 ** 40 })),
  from: orNull(instant),
  to: orNull(instant),
  consumption: orNull(amount),
  quality: member(snapshotQualities),
  method: member(methods),
  origin: orNull(member(origins)),
  readAt: orNull(instant),
  before: orNull(evidence),
  after: orNull(evidence),
  intervals: orNull(fc.record({ expected: fc.nat(3000), present: fc.nat(3000) })),
  fault: orNull(member(faults)),
  findings: fc.array(fc.record({ rule: fc.constantFrom("V13", "V20"), at: instant }), { maxLength: 2 }),
  estimate: orNull(estimate),
});

const anySnapshot: fc.Arbitrary<Snapshot> = fc.record({
  meterId: fc.stringMatching(/^[a-z0-9.:-]{1,64}$/),
  usagePointId: fc.constantFrom("up-1", "m-1"),
  period: fc.constantFrom(2026 * 12 + 9, 2026 * 12 + 9, 2001 * 12),
  boundary: instant,
  registers: fc.array(registerRow, { maxLength: 4 }),
  revision: fc.constantFrom(1, 1, 2, 4_294_967_295),
  lifecycle: member(lifecycles),
  issuedAtMs: fc.constantFrom(1_793_484_005_000, 1_793_484_005_123),
  reason: fc.constantFrom("window closed", 'inputs "changed", after final', "x".repeat(300)),
  hash: fc.stringMatching(/^sha256:[0-9a-f]{64}$/),
});

const entryOf = (snapshot: Snapshot): RevisionRecord => {
  const { meterId, period, revision } = snapshot;
  return { meterId, period, revision, record: encodeSnapshot(snapshot) };
};

function csvOf(...records: readonly RevisionRecord[]): { csv: string; unreadable: RevisionRecord[] } {
  const unreadable: RevisionRecord[] = [];
  const encoder = recordCsvEncoder((entry) => unreadable.push(entry));
  for (const record of records) encoder.add(record);
  return { csv: encoder.take().toString(), unreadable };
}

test("the rows of records are those of their snapshots, byte for byte", () => {
  fc.assert(
    fc.property(fc.array(anySnapshot, { maxLength: 12 }), (snapshots) => {
      const bySnapshot = snapshotCsvEncoder();
      for (const snapshot of snapshots) bySnapshot.add({ snapshot });
      expect(csvOf(...snapshots.map(entryOf))).toEqual({ csv: bySnapshot.take().toString(), unreadable: [] });
    }),
    { numRuns: 500 },
  );
});

test("the rows of bytes that are no snapshot, or not that of their key, are left out and told", () => {
  const sound = entryOf(aSnapshot());
  const { record } = sound;
  const cut = { ...sound, record: record.subarray(0, record.length - 3) };
  const others = [{ meterId: "m-2" }, { period: sound.period + 1 }, { revision: 2 }];
  const wrong = [cut, ...others.map((other) => ({ ...sound, ...other }))];
  const alone = csvOf(sound).csv;
  expect(csvOf(...wrong)).toEqual({ csv: snapshotCsvHeader, unreadable: wrong });
  expect(csvOf(sound, ...wrong, sound)).toEqual({
    csv: alone + alone.slice(snapshotCsvHeader.length),
    unreadable: wrong,
  });
});

test("whatever byte of a record is another, its rows are those of the snapshot that it is then", () => {
  const sound = entryOf(aSnapshot());
  fc.assert(
    fc.property(fc.nat(sound.record.length - 1), fc.nat(255), (at, byte) => {
      const record = Uint8Array.from(sound.record);
      record[at] = byte;
      const found = csvOf({ ...sound, record });
      expect([0, 1]).toContain(found.unreadable.length);
      const rows = found.csv.slice(snapshotCsvHeader.length);
      expect(rows === "" || rows.endsWith("\n")).toBe(true);
      if (found.unreadable.length > 0) expect(rows).toBe("");
    }),
    { numRuns: 2000 },
  );
});
