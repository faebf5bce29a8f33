import { readdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Barrier } from "@meterbook/sharding/barrier";
import fc from "fast-check";
import protobuf from "protobufjs";
import { expect, test } from "vitest";
import { baseUnits, origins, readingQualities } from "../domain/reading/reading.ts";
import { judgedRules } from "../domain/snapshot/finding.ts";
import {
  type Estimate,
  faults,
  lifecycles,
  methods,
  openingBases,
  type RegisterSnapshot,
  type Snapshot,
  snapshotQualities,
} from "../domain/snapshot/snapshot.ts";
import { encodeBarrier } from "./barrier-protobuf.ts";
import { checkDamageRecord, type DamageRecord, encodeDamageRecord } from "./damage-record-protobuf.ts";
import { decodeSnapshot } from "./decode-snapshot.ts";
import { encodeSnapshot } from "./encode-snapshot.ts";
import { checkFrame, encodeFrame } from "./frame-protobuf.ts";
import { checkedRecord, withChecksum } from "./record-checksum.ts";
import { checkOutage, encodeOutage } from "./registry/outage-protobuf.ts";
import { checkUsagePoint, encodeUsagePoint } from "./registry/usage-point-protobuf.ts";
import { checkRegistryChange, encodeRegistryChange, type SealedChange } from "./registry-change-protobuf.ts";
import { checkSeal, encodeSeal } from "./seal/seal-protobuf.ts";
import { checkWriterTally, encodeWriterTally } from "./writer-tally-protobuf.ts";

// Goal: whoever generates code from our .proto files reads what we write, and we read what that code writes. Method: a
// record is written by us, read and written again by a protobuf library that knows the .proto files only, and read by
// us.

const protoDir = fileURLToPath(new URL("../../../../proto/", import.meta.url));
const protoFiles = readdirSync(join(protoDir, "meterbook/v1")).map((name) => `meterbook/v1/${name}`);

function everyFile(): protobuf.Root {
  const root = new protobuf.Root();
  root.resolvePath = (_, target) => join(protoDir, target);
  return root.loadSync(protoFiles);
}
const root = everyFile();

function typesIn(namespace: protobuf.NamespaceBase): protobuf.Type[] {
  return namespace.nestedArray.flatMap((one) => {
    if (one instanceof protobuf.Type) return [one, ...typesIn(one)];
    return one instanceof protobuf.Namespace ? typesIn(one) : [];
  });
}

// `protoc` takes none of a file in which one is; the library that runs here takes them.
test("no field has a reserved number or name, so that every compiler takes the files", () => {
  const types = typesIn(root);
  expect(types.length).toBeGreaterThan(20);
  const wrong = types.flatMap((type) =>
    type.fieldsArray
      .filter(({ id, name }) => type.isReservedId(id) || type.isReservedName(name))
      .map((one) => `${one}`),
  );
  expect(wrong).toEqual([]);
});

/** As generated code writes it, which has read what we wrote; without a checksum. */
function writtenAgain(name: string, bytes: Uint8Array): Uint8Array {
  const type = root.lookupType(`meterbook.v1.${name}`);
  const message = type.decode(bytes);
  expect(type.verify(message)).toBe(null);
  return type.encode(message).finish();
}

const checkedAgain = (name: string, bytes: Uint8Array) =>
  withChecksum(writtenAgain(name, checkedRecord(bytes) as Uint8Array));

const id = fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/);
const text = fc.string({ unit: "grapheme", minLength: 1, maxLength: 40 });
const instant = fc.nat(2 ** 32 - 1);
const instantMs = fc.nat(253_402_300_799_999);
const amount = fc.maxSafeNat();
const bytesOf = (maxLength: number) => fc.uint8Array({ maxLength }).map((given) => Buffer.from(given));

const evidence = fc.record({ at: instant, value: amount, quality: fc.constantFrom(...readingQualities) });
const estimate: fc.Arbitrary<Estimate> = fc.record({
  method: fc.constantFrom(...methods),
  inputs: fc.array(id, { maxLength: 12 }),
  low: amount,
  high: amount,
  cap: fc.option(amount),
  outageSeconds: fc.nat(),
});
const row: fc.Arbitrary<RegisterSnapshot> = fc.record({
  register: fc.constantFrom("1.8.0", "2.8.0", "7-0:3.0.0"),
  usagePointId: fc.option(id),
  unit: fc.constantFrom(...baseUnits),
  value: fc.option(amount),
  valueQuality: fc.constantFrom(...snapshotQualities),
  opening: fc.option(amount),
  openingBasis: fc.option(fc.constantFrom(...openingBases)),
  openingAt: fc.option(instant),
  carried: fc.option(fc.integer()),
  from: fc.option(instant),
  to: fc.option(instant),
  consumption: fc.option(amount),
  quality: fc.constantFrom(...snapshotQualities),
  method: fc.constantFrom(...methods),
  origin: fc.option(fc.constantFrom(...origins)),
  readAt: fc.option(instant),
  before: fc.option(evidence),
  after: fc.option(evidence),
  intervals: fc.option(fc.record({ expected: fc.nat(), present: fc.nat() })),
  fault: fc.option(fc.constantFrom(...faults)),
  findings: fc.array(fc.record({ rule: fc.constantFrom(...judgedRules), at: instant }), { maxLength: 3 }),
  estimate: fc.option(estimate),
});
const snapshot: fc.Arbitrary<Snapshot> = fc.record({
  meterId: id,
  usagePointId: id,
  period: fc.nat(9999 * 12),
  boundary: instant,
  registers: fc.array(row, { maxLength: 4 }),
  revision: fc.nat(),
  lifecycle: fc.constantFrom(...lifecycles),
  issuedAtMs: instantMs,
  reason: text,
  hash: fc.uint8Array({ minLength: 32, maxLength: 32 }).map((given) => `sha256:${Buffer.from(given).toString("hex")}`),
});

test("a snapshot, both ways", () => {
  fc.assert(
    fc.property(snapshot, (given) => {
      expect(decodeSnapshot(writtenAgain("Snapshot", encodeSnapshot(given)))).toEqual(given);
    }),
  );
});

test("a frame of reports, both ways", () => {
  const report = fc.record({
    meterId: id,
    receivedAtMs: instantMs,
    origin: fc.constantFrom(...origins),
    report: bytesOf(300),
    readings: fc.nat(),
  });
  fc.assert(
    fc.property(fc.array(report, { maxLength: 8 }), (reports) => {
      const { reports: read, faults: found } = checkFrame(checkedAgain("Frame", encodeFrame(reports)));
      expect(read.map((one) => ({ ...one, report: Buffer.from(one.report) }))).toEqual(reports);
      expect(found).toEqual([]);
    }),
  );
});

test("a barrier, both ways", () => {
  const barrier: fc.Arbitrary<Barrier> = fc.record({
    atMs: instantMs,
    registry: amount,
    quietBefore: amount,
    readyThrough: fc.option(text),
    closeId: fc.option(text),
  });
  fc.assert(
    fc.property(barrier, (given) => {
      expect(checkFrame(checkedAgain("Frame", encodeBarrier(given)))).toEqual({
        reports: [],
        faults: [],
        barrier: given,
      });
    }),
  );
});

test("a change of the registry, both ways", () => {
  const write = fc.record({
    entity: fc.record({ kind: fc.constantFrom("meter" as const, "usage-point" as const), id }),
    base: fc.option(fc.nat()),
    body: fc.option(bytesOf(60)),
  });
  const change: fc.Arbitrary<SealedChange> = fc.record({
    id,
    recordedAtMs: instantMs,
    by: text,
    reason: text,
    writes: fc.array(write, { minLength: 1, maxLength: 4 }),
  });
  fc.assert(
    fc.property(change, (given) => {
      const { record } = checkRegistryChange(checkedAgain("RegistryChange", encodeRegistryChange(given)));
      const writes = record?.writes.map((one) => ({ ...one, body: one.body && Buffer.from(one.body) }));
      expect({ ...record, writes }).toEqual(given);
    }),
  );
});

test("a usage point, both ways", () => {
  const dated = <Value>(value: fc.Arbitrary<Value>) =>
    fc.array(fc.record({ validFrom: instant, value }), { minLength: 1, maxLength: 3 });
  const point = fc.record(
    {
      usagePointId: id,
      zone: dated(text),
      connectionPowerW: dated(amount),
      feeder: dated(id),
      supplier: dated(id),
      groups: dated(fc.array(id, { maxLength: 3 })),
      status: dated(fc.constantFrom("connected" as const, "dead" as const)),
    },
    { requiredKeys: ["usagePointId"] },
  );
  fc.assert(
    fc.property(point, (given) => {
      const again = checkedAgain("UsagePointRecord", encodeUsagePoint(given));
      expect(checkUsagePoint(given.usagePointId, again)).toEqual({ record: given });
    }),
  );
});

test("an outage, both ways", () => {
  const outage = fc.record(
    { outageId: id, usagePoints: fc.array(id, { maxLength: 3 }), feeder: id, from: instant, to: instant, reason: text },
    { requiredKeys: ["outageId", "usagePoints", "from"] },
  );
  fc.assert(
    fc.property(outage, (given) => {
      const again = checkedAgain("OutageRecord", encodeOutage(given));
      expect(checkOutage(given.outageId, again)).toEqual({ record: given });
    }),
  );
});

test("a seal and a writer's tally, both ways", () => {
  const root256 = fc.uint8Array({ minLength: 32, maxLength: 32 }).map((given) => Buffer.from(given).toString("hex"));
  const seal = fc.record({ shard: fc.nat(255), period: fc.nat(), size: amount, root: root256, sealedAtMs: amount });
  const readings = fc.array(fc.tuple(fc.nat(255), amount)).map((all) => new Map(all));
  fc.assert(
    fc.property(seal, fc.record({ writer: id, readings }), (given, tally) => {
      expect(checkSeal(checkedAgain("Seal", encodeSeal(given)))).toEqual({ record: given });
      expect(checkWriterTally(checkedAgain("WriterTally", encodeWriterTally(tally)))).toEqual({ record: tally });
    }),
  );
});

test("a record of the damage log, both ways", () => {
  const word = fc.record({ atMs: instantMs, by: text, reason: text });
  const damage = fc.record({
    id: text,
    place: fc.constantFrom("series" as const, "ledger" as const),
    code: fc.constantFrom("records_lost" as const, "seal_mismatch" as const),
    where: text,
    detail: text,
    help: text,
    meterId: fc.option(id),
    period: fc.option(fc.constant("2026-10")),
    lost: fc.option(amount),
    foundAtMs: instantMs,
  });
  const outcome = fc.constantFrom("repaired" as const, "struck" as const);
  const mending = fc.record({ atMs: instantMs, outcome, detail: text, lost: fc.option(amount) });
  const record: fc.Arbitrary<DamageRecord> = fc.oneof(
    fc.record({ kind: fc.constant("damage" as const), damage }),
    fc.record({ kind: fc.constant("acknowledgement" as const), id: text, word }),
    fc.record({ kind: fc.constant("order" as const), id: text, order: word }),
    fc.record({ kind: fc.constant("mending" as const), id: text, mending }),
  );
  fc.assert(
    fc.property(record, (given) => {
      expect(checkDamageRecord(checkedAgain("DamageRecord", encodeDamageRecord(given)))).toEqual({ record: given });
    }),
  );
});
