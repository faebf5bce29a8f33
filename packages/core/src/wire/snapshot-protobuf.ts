import protobuf from "protobufjs";
import { baseUnits, origins, readingQualities } from "../domain/reading.ts";
import type { Evidence, RegisterSnapshot, Snapshot } from "../domain/snapshot.ts";
import { lifecycles, methods, snapshotQualities } from "../domain/snapshot.ts";

/**
 * `meterbook.v1.Snapshot` (proto/meterbook/v1/snapshot.proto) from and to the domain's form.
 *
 * Written against protobufjs' Reader and Writer, without messages between: an export reads a million of these, and
 * the generic decoder with its mapping took three times as long. A test holds it to the .proto file.
 */
const openingBases = ["previous", "installation", "first-reading"] as const;
const faults = ["register_ran_backwards"] as const;

export function encodeSnapshot(snapshot: Snapshot): Uint8Array {
  const out = protobuf.Writer.create();
  out.uint32(0x0a).string(snapshot.meterId);
  if (snapshot.usagePointId !== snapshot.meterId) out.uint32(0x12).string(snapshot.usagePointId);
  out.uint32(0x18).uint32(snapshot.period).uint32(0x20).uint32(snapshot.boundary);
  out.uint32(0x28).uint32(snapshot.revision).uint32(0x30).uint32(lifecycles.indexOf(snapshot.lifecycle));
  out.uint32(0x38).uint64(snapshot.issuedAtMs).uint32(0x42).string(snapshot.reason);
  out.uint32(0x4a).bytes(Buffer.from(snapshot.hash.slice("sha256:".length), "hex"));
  for (const row of snapshot.registers) {
    writeRegister(row, out.uint32(0x52).fork());
    out.ldelim();
  }
  return out.finish();
}

function writeRegister(row: RegisterSnapshot, out: protobuf.Writer): void {
  out.uint32(0x0a).string(row.register).uint32(0x10).uint32(baseUnits.indexOf(row.unit));
  if (row.value !== null) out.uint32(0x18).uint64(row.value);
  out.uint32(0x20).uint32(snapshotQualities.indexOf(row.valueQuality));
  if (row.opening !== null) out.uint32(0x28).uint64(row.opening);
  if (row.openingBasis !== null) out.uint32(0x30).uint32(openingBases.indexOf(row.openingBasis));
  if (row.consumption !== null) out.uint32(0x38).uint64(row.consumption);
  out.uint32(0x40).uint32(snapshotQualities.indexOf(row.quality)).uint32(0x48).uint32(methods.indexOf(row.method));
  if (row.origin !== null) out.uint32(0x50).uint32(origins.indexOf(row.origin));
  if (row.readAt !== null) out.uint32(0x58).uint32(row.readAt);
  if (row.before !== null) writeEvidence(row.before, out.uint32(0x62).fork());
  if (row.after !== null) writeEvidence(row.after, out.uint32(0x6a).fork());
  if (row.intervals !== null) {
    out.uint32(0x70).uint32(row.intervals.expected).uint32(0x78).uint32(row.intervals.present);
  }
  if (row.fault !== null) out.uint32(0x80).uint32(faults.indexOf(row.fault));
}

function writeEvidence({ at, value, quality }: Evidence, out: protobuf.Writer): void {
  out
    .uint32(0x08)
    .uint32(at)
    .uint32(0x10)
    .uint64(value)
    .uint32(0x18)
    .uint32(readingQualities.indexOf(quality))
    .ldelim();
}

type Mutable<Of> = { -readonly [Key in keyof Of]: Of[Key] };

/** Throws where the bytes are not such a record: a ledger that cannot be read must not be guessed. */
export function decodeSnapshot(bytes: Uint8Array): Snapshot {
  const reader = protobuf.Reader.create(bytes);
  const registers: RegisterSnapshot[] = [];
  const snapshot: Mutable<Snapshot> = {
    meterId: "",
    usagePointId: "",
    period: 0,
    boundary: 0,
    registers,
    revision: 0,
    lifecycle: "provisional",
    issuedAtMs: 0,
    reason: "",
    hash: "",
  };
  while (reader.pos < reader.len) readField(reader, snapshot, registers);
  if (snapshot.usagePointId === "") snapshot.usagePointId = snapshot.meterId;
  return snapshot;
}

function readField(reader: protobuf.Reader, snapshot: Mutable<Snapshot>, registers: RegisterSnapshot[]): void {
  const tag = reader.uint32();
  if (tag === 0x52) registers.push(readRegister(reader, reader.uint32() + reader.pos));
  else if (tag === 0x0a) snapshot.meterId = reader.string();
  else if (tag === 0x12) snapshot.usagePointId = reader.string();
  else if (tag === 0x18) snapshot.period = reader.uint32();
  else if (tag === 0x20) snapshot.boundary = reader.uint32();
  else if (tag === 0x28) snapshot.revision = reader.uint32();
  else if (tag === 0x30) snapshot.lifecycle = oneOf(lifecycles, reader.uint32());
  else if (tag === 0x38) snapshot.issuedAtMs = Number(reader.uint64());
  else if (tag === 0x42) snapshot.reason = reader.string();
  else if (tag === 0x4a) snapshot.hash = `sha256:${Buffer.from(reader.bytes()).toString("hex")}`;
  else reader.skipType(tag & 7);
}

function readRegister(reader: protobuf.Reader, end: number): RegisterSnapshot {
  const row: Mutable<RegisterSnapshot> = {
    register: "",
    unit: "Wh",
    value: null,
    valueQuality: "actual",
    opening: null,
    openingBasis: null,
    consumption: null,
    quality: "actual",
    method: "EXACT",
    origin: null,
    readAt: null,
    before: null,
    after: null,
    intervals: null,
    fault: null,
  };
  while (reader.pos < end) readRegisterField(reader, row);
  return row;
}

function readRegisterField(reader: protobuf.Reader, row: Mutable<RegisterSnapshot>): void {
  const tag = reader.uint32();
  switch (tag >>> 3) {
    case 1:
      row.register = reader.string();
      break;
    case 2:
      row.unit = oneOf(baseUnits, reader.uint32());
      break;
    case 3:
      row.value = Number(reader.uint64());
      break;
    case 4:
      row.valueQuality = oneOf(snapshotQualities, reader.uint32());
      break;
    case 5:
      row.opening = Number(reader.uint64());
      break;
    case 6:
      row.openingBasis = oneOf(openingBases, reader.uint32());
      break;
    case 7:
      row.consumption = Number(reader.uint64());
      break;
    case 8:
      row.quality = oneOf(snapshotQualities, reader.uint32());
      break;
    case 9:
      row.method = oneOf(methods, reader.uint32());
      break;
    case 10:
      row.origin = oneOf(origins, reader.uint32());
      break;
    default:
      readEvidenceField(reader, tag, row);
  }
}

function readEvidenceField(reader: protobuf.Reader, tag: number, row: Mutable<RegisterSnapshot>): void {
  switch (tag >>> 3) {
    case 11:
      row.readAt = reader.uint32();
      break;
    case 12:
      row.before = readEvidence(reader, reader.uint32() + reader.pos);
      break;
    case 13:
      row.after = readEvidence(reader, reader.uint32() + reader.pos);
      break;
    case 14:
      row.intervals = { expected: reader.uint32(), present: 0 };
      break;
    case 15:
      row.intervals = { expected: row.intervals?.expected ?? 0, present: reader.uint32() };
      break;
    case 16:
      row.fault = oneOf(faults, reader.uint32());
      break;
    default:
      reader.skipType(tag & 7);
  }
}

function readEvidence(reader: protobuf.Reader, end: number): Evidence {
  const evidence: Mutable<Evidence> = { at: 0, value: 0, quality: "actual" };
  while (reader.pos < end) {
    const tag = reader.uint32();
    if (tag === 0x08) evidence.at = reader.uint32();
    else if (tag === 0x10) evidence.value = Number(reader.uint64());
    else if (tag === 0x18) evidence.quality = oneOf(readingQualities, reader.uint32());
    else reader.skipType(tag & 7);
  }
  return evidence;
}

function oneOf<Name>(names: readonly Name[], index: number): Name {
  const name = names[index];
  if (name === undefined) throw new RangeError(`snapshot record: there is no member ${index} in ${names.join(", ")}`);
  return name;
}
