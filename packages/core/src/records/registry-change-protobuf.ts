import protobuf from "protobufjs";
import {
  type EntityKey,
  type EntityWrite,
  entityName,
  entityOf,
  namedEntity,
  type RecordedChange,
} from "../domain/registry/master-data-change.ts";
import { type Checked, readChecked } from "./checked-record.ts";
import { encodeMeterRecord } from "./meter-record-protobuf.ts";
import type { Cursor } from "./protobuf-cursor.ts";
import {
  MalformedMessage,
  readBytes,
  readFields,
  readInstantMs,
  readMessage,
  readText,
  readUint32,
  skipField,
} from "./protobuf-cursor.ts";
import { withChecksum } from "./record-checksum.ts";
import { encodeOutage } from "./registry/outage-protobuf.ts";
import { encodeUsagePoint } from "./registry/usage-point-protobuf.ts";

/** A change as it is kept: its records are bytes with their own checksums. */
export interface SealedChange extends Pick<RecordedChange, "id" | "recordedAtMs" | "by" | "reason"> {
  readonly writes: readonly SealedWrite[];
}

export interface SealedWrite {
  readonly entity: EntityKey;
  /** Null: whatever version there is. */
  readonly base: number | null;
  /** Null: nothing is written, the version is only looked at. */
  readonly body: Uint8Array | null;
}

export function sealChange({ id, recordedAtMs, by, reason, writes }: RecordedChange): SealedChange {
  const sealed = writes.map((write) => ({ entity: entityOf(write), base: write.base, body: bodyOf(write) }));
  return { id, recordedAtMs, by, reason, writes: sealed };
}

function bodyOf(write: EntityWrite): Uint8Array | null {
  if ("meter" in write) return encodeMeterRecord(write.meter);
  if ("outage" in write) return encodeOutage(write.outage);
  return "usagePoint" in write ? encodeUsagePoint(write.usagePoint) : null;
}

/** `meterbook.v1.RegistryChange` (proto/meterbook/v1/registry_change.proto) with its checksum. */
export function encodeRegistryChange({ id, recordedAtMs, by, reason, writes }: SealedChange): Buffer {
  const out = protobuf.Writer.create();
  for (const { entity, base, body } of writes) {
    out.uint32(0x0a).fork().uint32(0x0a).string(entityName(entity));
    if (base !== null) out.uint32(0x10).uint32(base);
    if (body !== null) out.uint32(0x1a).bytes(body);
    out.ldelim();
  }
  out.uint32(0x12).string(id).uint32(0x18).uint64(recordedAtMs);
  if (by !== "") out.uint32(0x22).string(by);
  if (reason !== "") out.uint32(0x2a).string(reason);
  return withChecksum(out.finish());
}

export function checkRegistryChange(body: unknown): Checked<SealedChange> {
  return readChecked(body, decodeRegistryChange);
}

type Mutable<Of> = { -readonly [Key in keyof Of]: Of[Key] };

function decodeRegistryChange(bytes: Uint8Array): SealedChange {
  const writes: SealedWrite[] = [];
  const change: Mutable<SealedChange> = { id: "", recordedAtMs: 0, by: "", reason: "", writes };
  readFields(bytes, (cursor, tag) => {
    if (tag === 0x0a) writes.push(takeWrite(cursor));
    else if (tag === 0x12) change.id = readText(cursor);
    else if (tag === 0x18) change.recordedAtMs = readInstantMs(cursor);
    else if (tag === 0x22) change.by = readText(cursor);
    else if (tag === 0x2a) change.reason = readText(cursor);
    else skipField(cursor, tag, 5);
  });
  if (writes.length === 0) throw new MalformedMessage("a change of the registry changes nothing");
  return change;
}

function takeWrite(cursor: Cursor): SealedWrite {
  const write: Mutable<SealedWrite> = { entity: { kind: "meter", id: "" }, base: null, body: null };
  readMessage(cursor, (tag) => {
    if (tag === 0x0a) write.entity = namedEntity(readText(cursor));
    else if (tag === 0x10) write.base = readUint32(cursor);
    else if (tag === 0x1a) write.body = readBytes(cursor);
    else skipField(cursor, tag, 3);
  });
  if (write.entity.id === "") throw new MalformedMessage("a change of the registry names no entity");
  return write;
}
