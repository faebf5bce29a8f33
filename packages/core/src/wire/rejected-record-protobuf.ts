import protobuf from "protobufjs";
import type { Rejection } from "../ports/rejected-log.ts";
import type { Cursor } from "./protobuf-cursor.ts";
import {
  cursorOver,
  MalformedMessage,
  readBytes,
  readMessage,
  readText,
  readUnsigned,
  readWhole,
  skipField,
} from "./protobuf-cursor.ts";

/** A record of the rejected log. */
export type RejectedRecord =
  | { readonly kind: "rejection"; readonly rejection: Rejection; readonly writer: Uint8Array; readonly number: number }
  | { readonly kind: "replay"; readonly offset: number; readonly atMs: number };

/** `meterbook.v1.RejectedRecord` (proto/meterbook/v1/rejected_record.proto). */
export function encodeRejectedRecord(record: RejectedRecord): Uint8Array {
  const out = protobuf.Writer.create();
  if (record.kind === "rejection") putRejection(out.uint32(0x0a).fork(), record);
  else out.uint32(0x12).fork().uint32(0x08).uint64(record.offset).uint32(0x10).uint64(record.atMs).ldelim();
  return out.finish();
}

function putRejection(
  out: protobuf.Writer,
  { rejection, writer, number }: Extract<RejectedRecord, { kind: "rejection" }>,
): void {
  const { reason, detail, topic, meterId, clientId, receivedAtMs, payload, truncatedFrom, readingIndex } = rejection;
  out.uint32(0x0a).string(reason).uint32(0x12).string(detail).uint32(0x1a).string(topic);
  if (meterId !== null) out.uint32(0x22).string(meterId);
  out.uint32(0x2a).string(clientId).uint32(0x30).uint64(receivedAtMs).uint32(0x3a).bytes(payload);
  if (truncatedFrom !== null) out.uint32(0x40).uint64(truncatedFrom);
  if (readingIndex !== null) out.uint32(0x48).uint32(readingIndex);
  out.uint32(0x52).bytes(writer).uint32(0x58).uint64(number).ldelim();
}

/** Throws MalformedMessage where the bytes are no such record. The payload aliases `bytes`. */
export function decodeRejectedRecord(bytes: Uint8Array): RejectedRecord {
  const cursor = cursorOver(bytes);
  let record: RejectedRecord | undefined;
  while (cursor.at < bytes.length) {
    const tag = readUnsigned(cursor);
    if (tag === 0x0a) record = takeRejection(cursor);
    else if (tag === 0x12) record = takeReplay(cursor);
    else skipField(cursor, tag, 2);
  }
  if (record === undefined) throw new MalformedMessage("a record of the rejected log says nothing that is known");
  return record;
}

type Mutable<Of> = { -readonly [Key in keyof Of]: Of[Key] };

function takeRejection(cursor: Cursor): RejectedRecord {
  const rejection = noRejection();
  let writer: Uint8Array = new Uint8Array();
  let number = 0;
  readMessage(cursor, (tag) => {
    if (tag === 0x52) writer = readBytes(cursor);
    else if (tag === 0x58) number = readWhole(cursor);
    else takeField(cursor, tag, rejection);
  });
  return { kind: "rejection", rejection, writer, number };
}

function noRejection(): Mutable<Rejection> {
  return {
    reason: "",
    detail: "",
    topic: "",
    meterId: null,
    clientId: "",
    receivedAtMs: 0,
    payload: new Uint8Array(),
    truncatedFrom: null,
    readingIndex: null,
  };
}

function takeField(cursor: Cursor, tag: number, rejection: Mutable<Rejection>): void {
  if (tag === 0x0a) rejection.reason = readText(cursor);
  else if (tag === 0x12) rejection.detail = readText(cursor);
  else if (tag === 0x1a) rejection.topic = readText(cursor);
  else if (tag === 0x22) rejection.meterId = readText(cursor);
  else if (tag === 0x2a) rejection.clientId = readText(cursor);
  else if (tag === 0x30) rejection.receivedAtMs = readWhole(cursor);
  else if (tag === 0x3a) rejection.payload = readBytes(cursor);
  else if (tag === 0x40) rejection.truncatedFrom = readWhole(cursor);
  else if (tag === 0x48) rejection.readingIndex = readWhole(cursor);
  else skipField(cursor, tag, 11);
}

function takeReplay(cursor: Cursor): RejectedRecord {
  const record = { kind: "replay" as const, offset: 0, atMs: 0 };
  readMessage(cursor, (tag) => {
    if (tag === 0x08) record.offset = readWhole(cursor);
    else if (tag === 0x10) record.atMs = readWhole(cursor);
    else skipField(cursor, tag, 2);
  });
  return record;
}
