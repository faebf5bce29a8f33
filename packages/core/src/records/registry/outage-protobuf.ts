import protobuf from "protobufjs";
import type { OutageRecord } from "../../domain/registry/outage.ts";
import { type Checked, faulty, readChecked } from "../checked-record.ts";
import { MalformedMessage, readFields, readText, readUint32, skipField } from "../protobuf-cursor.ts";
import { withChecksum } from "../record-checksum.ts";

/** `meterbook.v1.OutageRecord` (proto/meterbook/v1/registry_change.proto) with its checksum. */
export function encodeOutage({ outageId, usagePoints, feeder, from, to, reason }: OutageRecord): Buffer {
  const out = protobuf.Writer.create().uint32(0x0a).string(outageId);
  for (const usagePointId of usagePoints) out.uint32(0x12).string(usagePointId);
  if (feeder !== undefined) out.uint32(0x1a).string(feeder);
  out.uint32(0x20).uint32(from);
  if (to !== undefined) out.uint32(0x28).uint32(to);
  if (reason !== undefined) out.uint32(0x32).string(reason);
  return withChecksum(out.finish());
}

/** What stands in the registry under an outage's id: its record, or why there is none. */
export function checkOutage(outageId: string, body: unknown): Checked<OutageRecord> {
  const checked = readChecked(body, decodeOutage);
  const isOther = checked.record !== undefined && checked.record.outageId !== outageId;
  return isOther ? faulty("key_mismatch", "it is the record of another outage") : checked;
}

type Mutable<Of> = { -readonly [Key in keyof Of]: Of[Key] };

function decodeOutage(bytes: Uint8Array): OutageRecord {
  const usagePoints: string[] = [];
  const outage: Mutable<OutageRecord> = { outageId: "", usagePoints, from: 0 };
  readFields(bytes, (cursor, tag) => {
    if (tag === 0x0a) outage.outageId = readText(cursor);
    else if (tag === 0x12) usagePoints.push(readText(cursor));
    else if (tag === 0x1a) outage.feeder = readText(cursor);
    else if (tag === 0x20) outage.from = readUint32(cursor);
    else if (tag === 0x28) outage.to = readUint32(cursor);
    else if (tag === 0x32) outage.reason = readText(cursor);
    else skipField(cursor, tag, 6);
  });
  if (outage.outageId === "") throw new MalformedMessage("a registry record names no outage");
  return outage;
}
