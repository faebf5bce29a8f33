import type { PublishPacket } from "./publish-packet.ts";
import { readPublish } from "./publish-packet.ts";

/** The packet types that the endpoint tells apart (high half of a packet's first byte). */
export const packetType = { connect: 1, publish: 3, pubrel: 6, disconnect: 14 } as const;

export interface PacketSink {
  publish(packet: PublishPacket): void;
  pubrel(packetId: number): void;
  /** Any other packet, whole, its header included. */
  control(type: number, packet: Buffer): void;
  /** A PUBLISH longer than allowed, as far as it was kept. */
  tooLarge(packet: PublishPacket, declaredBytes: number): void;
  /** What came is not MQTT 3.1.1. The scanner has stopped. */
  malformed(): void;
  /** So many bytes are held for the packet that has begun; 0 when it has ended. */
  holding(bytes: number): void;
  /** Asked after every packet: true leaves what is not scanned yet to `resume`. */
  held(): boolean;
}

export interface PacketScanner {
  /** While the sink is held the chunk is kept for `resume`. */
  feed(chunk: Buffer): void;
  resume(): void;
  /** The beginning of a packet has come, its end has not. */
  midPacket(): boolean;
  /** Packets that have ended so far, and the length that the one that has begun says it has. */
  progress(): { readonly packets: number; readonly declaredBytes: number };
}

/** A packet whose end is in a later chunk. */
interface Partial {
  readonly declaredBytes: number;
  readonly isTooLarge: boolean;
  /** As much of it as is kept at its end. */
  readonly keptBytes: number;
  /** Room for what has come: it grows, because what was only announced shall cost nothing. */
  kept: Buffer;
  filledBytes: number;
}

const nothing: Buffer = Buffer.alloc(0);
const firstRoomBytes = 1_024;
/** A rest that is so short is copied, or it would keep the whole chunk in memory. */
const shortRestBytes = 4_096;
/** Kept of the payload of a message that is too large. */
const keptPayloadBytesMax = 4096;

/**
 * Divides a stream into MQTT packets. A packet that is complete in its chunk is not copied. Of one that is longer
 * than `bytesMax` says the beginning is kept, and nothing after it is scanned.
 */
export function packetScanner(bytesMax: () => number, sink: PacketSink): PacketScanner {
  let rest = nothing;
  let partial: Partial | undefined;
  let stopped = false;
  let packets = 0;

  function scan(bytes: Buffer): void {
    let at = partial === undefined || sink.held() ? 0 : fill(partial, bytes, 0);
    while (at < bytes.length && !stopped && !sink.held()) {
      const next = step(bytes, at);
      if (next === at) break;
      at = next;
    }
    rest = at < bytes.length && !stopped ? keptRest(bytes.subarray(at)) : nothing;
  }

  /** Answers where the next packet begins: at `at` when the bytes do not say yet, or when there is no next one. */
  function step(bytes: Buffer, at: number): number {
    const bodyAt = bodyOffset(bytes, at);
    if (bodyAt === incomplete) return at;
    if (bodyAt === invalid) return stop(at);
    const end = bodyAt + bodyLength(bytes, at, bodyAt);
    const tooLarge = end - at > bytesMax();
    if (tooLarge && (bytes[at] as number) >> 4 !== packetType.publish) return stop(at);
    if (!tooLarge && end <= bytes.length) {
      packets += 1;
      return deliver(sink, bytes, at, bodyAt, end) ? end : stop(at);
    }
    if (tooLarge && bodyAt + 2 > bytes.length) return at;
    const keptBytes = tooLarge ? Math.min(end, keptEnd(bytes, bodyAt)) - at : end - at;
    partial = { declaredBytes: end - at, isTooLarge: tooLarge, keptBytes, kept: nothing, filledBytes: 0 };
    return fill(partial, bytes, at);
  }

  /** Answers where in `bytes` the packet ends, which is their end when more of it is to come. */
  function fill(packet: Partial, bytes: Buffer, from: number): number {
    const copiedBytes = Math.min(bytes.length - from, packet.keptBytes - packet.filledBytes);
    makeRoom(packet, packet.filledBytes + copiedBytes);
    bytes.copy(packet.kept, packet.filledBytes, from, from + copiedBytes);
    packet.filledBytes += copiedBytes;
    if (packet.filledBytes < packet.keptBytes) return bytes.length;
    partial = undefined;
    packets += 1;
    sink.holding(0);
    if (!finish(packet)) stop(from);
    return from + copiedBytes;
  }

  function makeRoom(packet: Partial, bytes: number): void {
    if (bytes <= packet.kept.length) return;
    const room = Math.min(packet.keptBytes, Math.max(bytes, firstRoomBytes, 2 * packet.kept.length));
    const grown = Buffer.allocUnsafeSlow(room);
    packet.kept.copy(grown, 0, 0, packet.filledBytes);
    packet.kept = grown;
    if (room < packet.keptBytes || bytes < packet.keptBytes) sink.holding(room);
  }

  function finish({ kept, isTooLarge, declaredBytes }: Partial): boolean {
    if (!isTooLarge) return deliver(sink, kept, 0, bodyOffset(kept, 0), kept.length);
    const packet = readCutPublish(kept);
    if (packet === undefined) return false;
    stopped = true;
    sink.tooLarge(packet, declaredBytes);
    return true;
  }

  function stop(at: number): number {
    stopped = true;
    sink.malformed();
    return at;
  }

  return {
    feed(chunk) {
      if (!stopped) scan(rest.length === 0 ? chunk : Buffer.concat([rest, chunk]));
    },
    resume() {
      if (!stopped && rest.length > 0) scan(rest);
    },
    progress: () => ({ packets, declaredBytes: partial?.declaredBytes ?? 0 }),
    midPacket: () => partial !== undefined || rest.length > 0,
  };
}

function keptRest(rest: Buffer): Buffer {
  return rest.length <= shortRestBytes ? Buffer.from(rest) : rest;
}

/** False when the packet is not what MQTT allows. */
function deliver(sink: PacketSink, bytes: Buffer, at: number, bodyAt: number, end: number): boolean {
  const first = bytes[at] as number;
  const type = first >> 4;
  if (type === packetType.publish) {
    const packet = readPublish(bytes, first, bodyAt, end);
    if (packet === undefined) return false;
    sink.publish(packet);
  } else if (type === packetType.pubrel) {
    if (first !== 0x62 || end - bodyAt !== 2) return false;
    sink.pubrel(bytes.readUInt16BE(bodyAt));
  } else sink.control(type, bytes.subarray(at, end));
  return true;
}

/** Where what is kept of a PUBLISH that is too large ends: topic, packet id, beginning of the payload. */
function keptEnd(bytes: Buffer, bodyAt: number): number {
  return bodyAt + 2 + bytes.readUInt16BE(bodyAt) + 2 + keptPayloadBytesMax;
}

function readCutPublish(kept: Buffer): PublishPacket | undefined {
  const first = kept[0] as number;
  if (first >> 4 !== packetType.publish) return undefined;
  const packet = readPublish(kept, first, bodyOffset(kept, 0), kept.length);
  return packet === undefined ? undefined : { ...packet, payload: packet.payload.subarray(0, keptPayloadBytesMax) };
}

const incomplete = -1;
const invalid = -2;

/** Where the body of the packet at `at` begins: after its first byte and one to four bytes of length. */
function bodyOffset(bytes: Buffer, at: number): number {
  for (let i = at + 1; i <= at + 4; i += 1) {
    const byte = bytes[i];
    if (byte === undefined) return incomplete;
    if (byte < 128) return i + 1;
  }
  return invalid;
}

function bodyLength(bytes: Buffer, at: number, bodyAt: number): number {
  let length = 0;
  for (let i = bodyAt - 1; i > at; i -= 1) length = length * 128 + ((bytes[i] as number) & 127);
  return length;
}
