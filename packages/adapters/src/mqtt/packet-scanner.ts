import type { PublishPacket } from "./publish-packet.ts";
import { readPublish } from "./publish-packet.ts";

/** The packet types that the endpoint tells apart (high half of a packet's first byte). */
export const packetType = { connect: 1, publish: 3, pubrel: 6, disconnect: 14 } as const;

export interface PacketSink {
  publish(packet: PublishPacket): void;
  pubrel(packetId: number): void;
  /** Any other packet, whole, its header included. */
  control(type: number, packet: Buffer): void;
  /** A PUBLISH longer than allowed: what was kept of it is in `packet`. The scanner has stopped. */
  tooLarge(packet: PublishPacket, declaredBytes: number): void;
  /** What came is not MQTT. The scanner has stopped. */
  malformed(): void;
  /** Asked after every packet: true leaves what is not scanned yet to `resume`. */
  held(): boolean;
}

export interface PacketScanner {
  /** Not to be called while the sink is held. */
  feed(chunk: Buffer): void;
  resume(): void;
  /** The beginning of a packet has come, its end has not. */
  midPacket(): boolean;
}

const nothing: Buffer = Buffer.alloc(0);
/** Kept of the payload of a message that is too large. */
const keptPayloadBytesMax = 4096;

/**
 * Divides a stream into MQTT packets. A packet that is complete in its chunk is not copied. Of one that is longer
 * than `packetBytesMax` only the beginning is kept, whatever else comes.
 */
export function packetScanner(packetBytesMax: number, sink: PacketSink): PacketScanner {
  let rest: Buffer = nothing;
  /** Room for the packet whose beginning has come, as far as it is kept. */
  let partial: Buffer | undefined;
  let partialBytes = 0;
  let partialDeclaredBytes = 0;
  let stopped = false;

  function scan(bytes: Buffer): void {
    let at = partial === undefined ? 0 : fill(bytes, 0);
    while (at < bytes.length && !stopped && !sink.held()) {
      const bodyAt = bodyOffset(bytes, at);
      if (bodyAt === incomplete) break;
      if (bodyAt === invalid) return stop();
      const end = bodyAt + bodyLength(bytes, at, bodyAt);
      if (end - at > packetBytesMax) {
        if (bodyAt + 2 > bytes.length) break;
        // Header, topic's length, topic, packet id, beginning of the payload.
        begin(end - at, bodyAt - at + 2 + bytes.readUInt16BE(bodyAt) + 2 + keptPayloadBytesMax);
        at = fill(bytes, at);
      } else if (end > bytes.length) {
        begin(end - at, end - at);
        at = fill(bytes, at);
      } else {
        deliver(bytes, at, bodyAt, end);
        at = end;
      }
    }
    rest = stopped || at >= bytes.length ? nothing : bytes.subarray(at);
  }

  function begin(declaredBytes: number, keptBytes: number): void {
    partial = Buffer.allocUnsafe(Math.min(declaredBytes, keptBytes));
    partialBytes = 0;
    partialDeclaredBytes = declaredBytes;
  }

  /** Answers where in `bytes` the packet ends, which is their end when it goes on in the next chunk. */
  function fill(bytes: Buffer, from: number): number {
    if (partial === undefined) return from;
    const copied = bytes.copy(partial, partialBytes, from);
    partialBytes += copied;
    if (partialBytes < partial.length) return bytes.length;
    const packet = partial;
    partial = undefined;
    const bodyAt = bodyOffset(packet, 0);
    if (partialDeclaredBytes > packetBytesMax) cut(packet, bodyAt);
    else deliver(packet, 0, bodyAt, packet.length);
    return from + copied;
  }

  function deliver(bytes: Buffer, at: number, bodyAt: number, end: number): void {
    const first = bytes[at] as number;
    const type = first >> 4;
    if (type === packetType.publish) {
      const packet = readPublish(bytes, first, bodyAt, end);
      if (packet === undefined) stop();
      else sink.publish(packet);
    } else if (type === packetType.pubrel) {
      if (first !== 0x62 || end - bodyAt !== 2) stop();
      else sink.pubrel(bytes.readUInt16BE(bodyAt));
    } else sink.control(type, bytes.subarray(at, end));
  }

  function cut(packet: Buffer, bodyAt: number): void {
    const publish = readCutPublish(packet, bodyAt);
    if (publish === undefined) return stop();
    stopped = true;
    sink.tooLarge(publish, partialDeclaredBytes);
  }

  function stop(): void {
    stopped = true;
    rest = nothing;
    sink.malformed();
  }

  return {
    feed(chunk) {
      if (stopped) return;
      scan(rest.length === 0 ? chunk : Buffer.concat([rest, chunk]));
    },
    resume() {
      if (rest.length > 0) scan(rest);
    },
    midPacket: () => partial !== undefined || rest.length > 0,
  };
}

function readCutPublish(packet: Buffer, bodyAt: number): PublishPacket | undefined {
  const first = packet[0] as number;
  if (first >> 4 !== packetType.publish) return undefined;
  const publish = readPublish(packet, first, bodyAt, packet.length);
  return publish === undefined ? undefined : { ...publish, payload: publish.payload.subarray(0, keptPayloadBytesMax) };
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
