import { connect } from "node:net";
import type { Socket } from "node:net";
import type { LoadShape } from "./report-bytes.ts";
import { reportOf, varint } from "./report-bytes.ts";

export interface LaneOptions {
  readonly port: number;
  readonly number: number;
  readonly lanes: number;
  /** Messages of all lanes; this one sends those with `i % lanes = number`. */
  readonly messages: number;
  readonly window: number;
  readonly shape: LoadShape;
}

export interface Lane {
  /** Sends up to `allowed` messages of this lane in all, as far as the window goes. */
  pump(allowed: number): void;
  readonly count: number;
  readonly acked: number;
  readonly reconnects: number;
  readonly resent: number;
  end(): void;
}

/** Packets are encoded so many at a time, and kept until they are acknowledged: memory stays flat. */
const sliceMax = 500;

interface Slice {
  readonly from: number;
  readonly bytes: Buffer;
  readonly ends: readonly number[];
}

/** One connection. Resolves when it is open; connects again and sends again what was not acknowledged when it breaks. */
export async function openLane(options: LaneOptions, acked: () => void): Promise<Lane> {
  const count = Math.max(0, Math.ceil((options.messages - options.number) / options.lanes));
  const slices: Slice[] = [];
  const state = { count, acked: 0, sent: 0, encoded: 0, reconnects: 0, resent: 0, allowed: 0 };
  let socket: Socket | undefined;
  const opened = Promise.withResolvers<void>();

  function pump(allowed: number): void {
    state.allowed = allowed;
    if (socket === undefined) return;
    const to = Math.min(allowed, state.acked + options.window, count);
    while (state.sent < to) {
      const slice = sliceOf(state.sent);
      const until = Math.min(to, slice.from + slice.ends.length);
      const start = state.sent === slice.from ? 0 : (slice.ends[state.sent - slice.from - 1] as number);
      socket.write(slice.bytes.subarray(start, slice.ends[until - slice.from - 1]));
      state.sent = until;
    }
  }

  function sliceOf(index: number): Slice {
    let slice = slices.find(({ from, ends }) => index >= from && index < from + ends.length);
    if (slice === undefined) {
      slice = encodeSlice(options, state.encoded, Math.min(count, state.encoded + sliceMax));
      state.encoded += slice.ends.length;
      slices.push(slice);
    }
    return slice;
  }

  function acknowledged(packetId: number): void {
    const expected = (state.acked % 65_535) + 1;
    if (packetId !== expected) throw new Error(`PUBACK ${packetId} where ${expected} was due: out of order`);
    state.acked += 1;
    const oldest = slices[0];
    if (oldest !== undefined && state.acked >= oldest.from + oldest.ends.length) slices.shift();
  }

  function open(): void {
    const opening = connect(options.port, "127.0.0.1");
    opening.setNoDelay(true);
    opening.on("connect", () => opening.write(connectPacket(`load-${options.number}`)));
    readAnswers(opening, {
      connected() {
        socket = opening;
        opened.resolve();
        pump(state.allowed);
      },
      acknowledged,
      drained() {
        pump(state.allowed);
        acked();
      },
    });
    opening.on("error", () => undefined);
    opening.on("close", () => {
      if (state.acked === count) return;
      socket = undefined;
      state.reconnects += 1;
      state.resent += state.sent - state.acked;
      state.sent = state.acked;
      setTimeout(open, 100);
    });
  }

  open();
  await opened.promise;
  return {
    pump,
    get count() {
      return state.count;
    },
    get acked() {
      return state.acked;
    },
    get reconnects() {
      return state.reconnects;
    },
    get resent() {
      return state.resent;
    },
    end: () => socket?.end(Buffer.from([0xe0, 0])),
  };
}

interface Answers {
  connected(): void;
  acknowledged(packetId: number): void;
  /** After each chunk. */
  drained(): void;
}

/** CONNACK and PUBACK are both four bytes long. */
function readAnswers(socket: Socket, answers: Answers): void {
  let rest: Buffer = Buffer.alloc(0);
  socket.on("data", (chunk) => {
    const bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    let at = 0;
    for (; at + 4 <= bytes.length; at += 4) {
      if (bytes[at] === 0x20) answers.connected();
      else if (bytes[at] === 0x40) answers.acknowledged(bytes.readUInt16BE(at + 2));
      else throw new Error(`unexpected packet ${bytes[at]?.toString(16)}`);
    }
    rest = bytes.subarray(at);
    answers.drained();
  });
}

function encodeSlice({ shape, lanes, number }: LaneOptions, from: number, to: number): Slice {
  const out: number[] = [];
  const ends: number[] = [];
  for (let j = from; j < to; j += 1) {
    const message = number + j * lanes;
    const topic = Buffer.from(`meters/m${message % shape.meters}/readings`);
    const body = reportOf(shape, message);
    const packetId = (j % 65_535) + 1;
    out.push(0x32);
    varint(out, 4 + topic.length + body.length);
    out.push(topic.length >> 8, topic.length & 255, ...topic, packetId >> 8, packetId & 255, ...body);
    ends.push(out.length);
  }
  return { from, bytes: Buffer.from(out), ends };
}

function connectPacket(clientId: string): Buffer {
  const id = Buffer.from(clientId);
  return Buffer.concat([Buffer.from([0x10, 12 + id.length, 0, 4]), Buffer.from("MQTT"), Buffer.from([4, 2, 0, 0, 0, id.length]), id]);
}
