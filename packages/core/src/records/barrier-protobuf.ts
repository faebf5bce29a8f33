import type { Barrier } from "@meterbook/sharding/barrier";
import protobuf from "protobufjs";
import { type Cursor, readInstantMs, readMessage, readText, readWhole, skipField } from "./protobuf-cursor.ts";
import { withChecksum } from "./record-checksum.ts";

/** Field 2 of `meterbook.v1.Frame` (proto/meterbook/v1/frame.proto). */
export const barrierTag = 0x12;

/** A record of the readings log that holds a barrier and no report. */
export function encodeBarrier({ atMs, registry, quietBefore, readyThrough, closeId }: Barrier): Buffer {
  const out = protobuf.Writer.create().uint32(barrierTag).fork();
  out.uint32(0x08).uint64(atMs).uint32(0x10).uint64(registry).uint32(0x18).uint64(quietBefore);
  if (closeId !== null) out.uint32(0x22).string(closeId);
  if (readyThrough !== null) out.uint32(0x2a).string(readyThrough);
  return withChecksum(out.ldelim().finish());
}

/** The cursor stands behind the tag. */
export function readBarrier(cursor: Cursor): Barrier {
  const barrier = { atMs: 0, registry: 0, quietBefore: 0, readyThrough: null, closeId: null } as {
    -readonly [Name in keyof Barrier]: Barrier[Name];
  };
  readMessage(cursor, (tag) => {
    if (tag === 0x08) barrier.atMs = readInstantMs(cursor);
    else if (tag === 0x10) barrier.registry = readWhole(cursor);
    else if (tag === 0x18) barrier.quietBefore = readWhole(cursor);
    else if (tag === 0x22) barrier.closeId = readText(cursor);
    else if (tag === 0x2a) barrier.readyThrough = readText(cursor);
    else skipField(cursor, tag, 5);
  });
  return barrier;
}
