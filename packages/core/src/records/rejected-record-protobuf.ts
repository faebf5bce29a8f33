import protobuf from "protobufjs";
import type { Refusal, RefusedMessage } from "../ports/refused-message.ts";
import { type Checked, readOneOf } from "./checked-record.ts";
import {
  type Cursor,
  readBytes,
  readInstantMs,
  readMessage,
  readText,
  readWhole,
  skipField,
} from "./protobuf-cursor.ts";
import { withChecksum } from "./record-checksum.ts";

/** A record of the rejected log: a message with all its refusals, or word that one of them was replayed. */
export type RejectedRecord =
  | { readonly kind: "refused"; readonly message: RefusedMessage; readonly writer: Uint8Array; readonly number: number }
  | { readonly kind: "replay"; readonly offset: number; readonly refusal: number; readonly atMs: number };

/** `meterbook.v1.RejectedRecord` (proto/meterbook/v1/rejected_record.proto), with its checksum. */
export function encodeRejectedRecord(record: RejectedRecord): Buffer {
  const out = protobuf.Writer.create();
  if (record.kind === "refused") putRefused(out.uint32(0x0a).fork(), record);
  else {
    const { offset, refusal, atMs } = record;
    out.uint32(0x12).fork().uint32(0x08).uint64(offset).uint32(0x10).uint64(atMs).uint32(0x18).uint32(refusal).ldelim();
  }
  return withChecksum(out.finish());
}

function putRefused(
  out: protobuf.Writer,
  { message, writer, number }: Extract<RejectedRecord, { kind: "refused" }>,
): void {
  const { topic, meterId, clientId, receivedAtMs, payload, truncatedFrom, refusals, source, senderName } = message;
  out.uint32(0x0a).string(topic);
  if (meterId !== null) out.uint32(0x12).string(meterId);
  out.uint32(0x1a).string(clientId).uint32(0x20).uint64(receivedAtMs).uint32(0x2a).bytes(payload);
  if (truncatedFrom !== null) out.uint32(0x30).uint64(truncatedFrom);
  for (const { reason, detail, readingIndex } of refusals) {
    out.uint32(0x3a).fork().uint32(0x0a).string(reason).uint32(0x12).string(detail);
    if (readingIndex !== null) out.uint32(0x18).uint32(readingIndex);
    out.ldelim();
  }
  out.uint32(0x42).bytes(writer).uint32(0x48).uint64(number);
  if (source !== undefined) out.uint32(0x52).string(source);
  if (senderName !== undefined) out.uint32(0x5a).string(senderName);
  out.ldelim();
}

/** Never throws. The payload aliases `body`. */
export function checkRejectedRecord(body: unknown): Checked<RejectedRecord> {
  return readOneOf(body, kinds);
}

const kinds = new Map<number, (cursor: Cursor) => RejectedRecord>([
  [0x0a, takeRefused],
  [0x12, takeReplay],
]);

type Mutable<Of> = { -readonly [Key in keyof Of]: Of[Key] };

function takeRefused(cursor: Cursor): RejectedRecord {
  const refusals: Refusal[] = [];
  const message = { ...noMessage(), refusals };
  let writer: Uint8Array = new Uint8Array();
  let number = 0;
  readMessage(cursor, (tag) => {
    if (tag === 0x3a) refusals.push(takeRefusal(cursor));
    else if (tag === 0x42) writer = readBytes(cursor);
    else if (tag === 0x48) number = readWhole(cursor);
    else takeField(cursor, tag, message);
  });
  return { kind: "refused", message, writer, number };
}

function noMessage(): Mutable<Omit<RefusedMessage, "refusals">> {
  const payload = new Uint8Array();
  return { topic: "", meterId: null, clientId: "", receivedAtMs: 0, payload, truncatedFrom: null };
}

function takeField(cursor: Cursor, tag: number, message: Mutable<Omit<RefusedMessage, "refusals">>): void {
  if (tag === 0x0a) message.topic = readText(cursor);
  else if (tag === 0x12) message.meterId = readText(cursor);
  else if (tag === 0x1a) message.clientId = readText(cursor);
  else if (tag === 0x20) message.receivedAtMs = readInstantMs(cursor);
  else if (tag === 0x2a) message.payload = readBytes(cursor);
  else if (tag === 0x30) message.truncatedFrom = readWhole(cursor);
  else if (tag === 0x52) message.source = readText(cursor);
  else if (tag === 0x5a) message.senderName = readText(cursor);
  else skipField(cursor, tag, 11);
}

function takeRefusal(cursor: Cursor): Refusal {
  const refusal: Mutable<Refusal> = { reason: "", detail: "", readingIndex: null };
  readMessage(cursor, (tag) => {
    if (tag === 0x0a) refusal.reason = readText(cursor);
    else if (tag === 0x12) refusal.detail = readText(cursor);
    else if (tag === 0x18) refusal.readingIndex = readWhole(cursor);
    else skipField(cursor, tag, 3);
  });
  return refusal;
}

function takeReplay(cursor: Cursor): RejectedRecord {
  const record = { kind: "replay" as const, offset: 0, refusal: 0, atMs: 0 };
  readMessage(cursor, (tag) => {
    if (tag === 0x08) record.offset = readWhole(cursor);
    else if (tag === 0x10) record.atMs = readInstantMs(cursor);
    else if (tag === 0x18) record.refusal = readWhole(cursor);
    else skipField(cursor, tag, 3);
  });
  return record;
}
