import protobuf from "protobufjs";
import { baseUnits, origins, readingQualities } from "../domain/reading.ts";
import type { Evidence, RegisterSnapshot, Snapshot } from "../domain/snapshot.ts";
import { lifecycles, methods, snapshotQualities } from "../domain/snapshot.ts";

/** The members of two enumerations, in the order of their numbers in the record. */
export const openingBases = ["previous", "installation", "first-reading"] as const;
export const faults = ["register_ran_backwards"] as const;

/** A snapshot as `meterbook.v1.Snapshot` (proto/meterbook/v1/snapshot.proto); a test holds it to the .proto file. */
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
