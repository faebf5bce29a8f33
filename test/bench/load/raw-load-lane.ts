import type { Socket } from "node:net";
import { connect as connectTcp } from "node:net";
import type { PacketSlice, PacketSource } from "./raw-load-packets.ts";
import { packetIdOf, sliceMessages } from "./raw-load-packets.ts";

export interface LaneOptions {
  readonly host: string;
  readonly port: number;
  readonly clientId: string;
  /** Messages on the way at once. */
  readonly window: number;
  /** How many of the lane's messages may have left by now. */
  readonly due: () => number;
  /** `count` more messages are acknowledged, the lane's message `first` being the first of them. */
  readonly acknowledged: (first: number, count: number) => void;
  readonly failed: (reason: string) => void;
}

/** One raw connection; its messages leave in order, and again what was not acknowledged when it broke. */
export interface LoadLane {
  readonly acked: number;
  readonly reconnects: number;
  readonly resent: number;
  /** Connects; resolves at the first CONNACK. */
  open(): Promise<void>;
  /** Sends what is due and has room. */
  fill(): void;
  close(): void;
}

const reconnectMs = 100;

export function loadLane(source: PacketSource, options: LaneOptions): LoadLane {
  const slices = sliceStore(source);
  let socket: Socket | undefined;
  let isUp = false;
  let sent = 0;
  let acked = 0;
  let everSent = 0;
  let reconnects = 0;
  let resent = 0;
  let rest: Buffer = Buffer.alloc(0);

  function open(ready: () => void): void {
    rest = Buffer.alloc(0);
    const opening = connectTcp(options.port, options.host).setNoDelay(true);
    socket = opening;
    opening.on("connect", () => opening.write(connectPacket(options.clientId)));
    opening.on("data", (chunk) => {
      if (receive(chunk)) ready();
      fill();
    });
    opening.on("error", () => undefined);
    opening.on("close", () => lost(ready));
  }

  function lost(ready: () => void): void {
    if (socket === undefined) return;
    if (isUp) reconnects += 1;
    isUp = false;
    resent += sent - acked;
    sent = acked;
    setTimeout(() => socket !== undefined && open(ready), reconnectMs);
  }

  /** Answers whether it was the CONNACK. CONNACK and PUBACK are both four bytes. */
  function receive(chunk: Buffer): boolean {
    const bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    const before = acked;
    let connected = false;
    let at = 0;
    for (; at + 4 <= bytes.length; at += 4) {
      if (bytes[at] === 0x20 && bytes[at + 3] === 0) connected = true;
      else if (bytes[at] === 0x40 && bytes.readUInt16BE(at + 2) === packetIdOf(acked) && acked < sent) acked += 1;
      else options.failed(unexpected(bytes, at, packetIdOf(acked)));
    }
    rest = bytes.subarray(at);
    isUp ||= connected;
    if (acked > before) options.acknowledged(before, acked - before);
    slices.forget(acked);
    return connected;
  }

  function fill(): void {
    if (!isUp || socket === undefined) return;
    const until = Math.min(options.due(), acked + options.window, source.count);
    if (until <= sent) return;
    socket.cork();
    while (sent < until) {
      const slice = slices.at(sent);
      const end = Math.min(until, slice.first + slice.count);
      markRepeated(slice, sent, Math.min(end, everSent));
      socket.write(slice.bytes.subarray(slice.offsets[sent - slice.first], slice.offsets[end - slice.first]));
      sent = end;
    }
    socket.uncork();
    everSent = Math.max(everSent, sent);
  }

  return {
    get acked() {
      return acked;
    },
    get reconnects() {
      return reconnects;
    },
    get resent() {
      return resent;
    },
    open: () => new Promise((resolve) => open(resolve)),
    fill,
    close() {
      const closing = socket;
      socket = undefined;
      closing?.end(Buffer.from([0xe0, 0]));
    },
  };
}

/** Slices from the oldest that is not acknowledged on; those that are done with are written over. */
function sliceStore(source: PacketSource): { at(message: number): PacketSlice; forget(acked: number): void } {
  const slices: PacketSlice[] = [];
  let spare: PacketSlice | undefined;
  return {
    at(message) {
      const oldest = slices[0]?.first ?? message;
      const index = Math.floor((message - oldest) / sliceMessages);
      const known = slices[index];
      if (known !== undefined) return known;
      const made = source.slice(message, spare);
      spare = undefined;
      slices.push(made);
      return made;
    },
    forget(acked) {
      for (let oldest = slices[0]; oldest !== undefined && oldest.first + oldest.count <= acked; oldest = slices[0]) {
        spare = slices.shift();
      }
    },
  };
}

/** Sets the DUP flag of the lane's messages `from` to `until`. */
function markRepeated(slice: PacketSlice, from: number, until: number): void {
  for (let message = from; message < until; message += 1) {
    const at = slice.offsets[message - slice.first] as number;
    slice.bytes[at] = (slice.bytes[at] as number) | 0x08;
  }
}

function connectPacket(clientId: string): Buffer {
  const id = Buffer.from(clientId);
  const head = [0x10, 12 + id.length, 0, 4, ...Buffer.from("MQTT"), 4, 2, 0, 0, id.length >> 8, id.length & 255];
  return Buffer.concat([Buffer.from(head), id]);
}

function unexpected(bytes: Buffer, at: number, expectedId: number): string {
  const packet = bytes.subarray(at, at + 4).toString("hex");
  return `the server sent ${packet} where the PUBACK of packet ${expectedId} was to come`;
}
