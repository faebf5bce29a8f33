import protobuf from "protobufjs";
import {
  cursorOver,
  MalformedMessage,
  readMessage,
  readText,
  readUnsigned,
  readWhole,
  skipField,
} from "./protobuf-cursor.ts";
import { checkedRecord, withChecksum } from "./record-checksum.ts";

/** What one process has appended to the readings log since it began. */
export interface WriterTally {
  readonly writer: string;
  /** Readings by partition. */
  readonly readings: ReadonlyMap<number, number>;
}

/** `meterbook.v1.WriterTally` (proto/meterbook/v1/tally.proto). */
export function encodeWriterTally({ writer, readings }: WriterTally): Buffer {
  const out = protobuf.Writer.create().uint32(0x0a).string(writer);
  for (const [partition, total] of readings)
    out.uint32(0x12).fork().uint32(0x08).uint32(partition).uint32(0x10).uint64(total).ldelim();
  return withChecksum(out.finish());
}

/** Throws MalformedMessage where the bytes are no such record, or not as they were written. */
export function decodeWriterTally(bytes: Uint8Array): WriterTally {
  const checked = checkedRecord(bytes);
  if (checked === undefined) throw new MalformedMessage("a tally has another checksum");
  const cursor = cursorOver(checked);
  const readings = new Map<number, number>();
  let writer = "";
  while (cursor.at < checked.length) {
    const tag = readUnsigned(cursor);
    if (tag === 0x0a) writer = readText(cursor);
    else if (tag === 0x12) {
      const of = { partition: 0, total: 0 };
      readMessage(cursor, (field) => {
        if (field === 0x08) of.partition = readWhole(cursor);
        else if (field === 0x10) of.total = readWhole(cursor);
        else skipField(cursor, field, 2);
      });
      readings.set(of.partition, of.total);
    } else skipField(cursor, tag, 2);
  }
  return { writer, readings };
}
