import protobuf from "protobufjs";
import { type Checked, readChecked } from "./checked-record.ts";
import { type Cursor, readFields, readMessage, readText, readWhole, skipField } from "./protobuf-cursor.ts";
import { withChecksum } from "./record-checksum.ts";

/** What one process has appended to the readings log since it began. */
export interface WriterTally {
  readonly writer: string;
  /** Readings by partition. */
  readonly readings: ReadonlyMap<number, number>;
}

/** `meterbook.v1.WriterTally` (proto/meterbook/v1/tally.proto), with its checksum. */
export function encodeWriterTally({ writer, readings }: WriterTally): Buffer {
  const out = protobuf.Writer.create().uint32(0x0a).string(writer);
  for (const [partition, total] of readings)
    out.uint32(0x12).fork().uint32(0x08).uint32(partition).uint32(0x10).uint64(total).ldelim();
  return withChecksum(out.finish());
}

/** Never throws. */
export function checkWriterTally(body: unknown): Checked<WriterTally> {
  return readChecked(body, (bytes) => {
    const readings = new Map<number, number>();
    let writer = "";
    readFields(bytes, (cursor, tag) => {
      if (tag === 0x0a) writer = readText(cursor);
      else if (tag === 0x12) takePartition(cursor, readings);
      else skipField(cursor, tag, 2);
    });
    return { writer, readings };
  });
}

function takePartition(cursor: Cursor, readings: Map<number, number>): void {
  const of = { partition: 0, total: 0 };
  readMessage(cursor, (tag) => {
    if (tag === 0x08) of.partition = readWhole(cursor);
    else if (tag === 0x10) of.total = readWhole(cursor);
    else skipField(cursor, tag, 2);
  });
  readings.set(of.partition, of.total);
}
