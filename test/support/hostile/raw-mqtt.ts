import type { Socket } from "node:net";
import { connect } from "node:net";

/** Packets of MQTT 3.1.1, written by hand so that a test can also write wrong ones. */
export const raw = {
  connect({ clientId = "raw", keepaliveSeconds = 0, level = 4, flags = 2, name = "MQTT" } = {}): Buffer {
    const body = [...text(name), level, flags, keepaliveSeconds >> 8, keepaliveSeconds & 255];
    if (level === 5) body.push(0);
    return packet(0x10, Buffer.concat([Buffer.from(body), text(clientId)]));
  },
  publish(topic: string, payload: string | Buffer, { qos = 1, id = 1, retain = false, dup = false } = {}): Buffer {
    const packetId = qos === 0 ? Buffer.alloc(0) : Buffer.from([id >> 8, id & 255]);
    const first = 0x30 | (dup ? 8 : 0) | (qos << 1) | (retain ? 1 : 0);
    return packet(first, Buffer.concat([text(topic), packetId, Buffer.from(payload)]));
  },
  pubrel: (id: number): Buffer => Buffer.from([0x62, 2, id >> 8, id & 255]),
  subscribe: (id: number, topic: string): Buffer =>
    packet(0x82, Buffer.concat([Buffer.from([id >> 8, id & 255]), text(topic), Buffer.from([1])])),
  ping: (): Buffer => Buffer.from([0xc0, 0]),
  disconnect: (): Buffer => Buffer.from([0xe0, 0]),
  packet,
};

function text(value: string): Buffer {
  const bytes = Buffer.from(value);
  return Buffer.concat([Buffer.from([bytes.length >> 8, bytes.length & 255]), bytes]);
}

function packet(first: number, body: Buffer): Buffer {
  const length: number[] = [];
  let left = body.length;
  do {
    length.push((left & 127) | (left > 127 ? 128 : 0));
    left >>= 7;
  } while (left > 0);
  return Buffer.concat([Buffer.from([first, ...length]), body]);
}

/** A socket that remembers what it was sent. */
export interface RawClient {
  readonly socket: Socket;
  send(...packets: readonly Buffer[]): void;
  /** Waits for so many bytes that were not taken yet, and takes them. */
  take(bytes: number): Promise<Buffer>;
  /** What has come and was not taken. */
  untaken(): Buffer;
  /** Resolves when the other side has hung up. */
  readonly closed: Promise<void>;
}

export async function rawClient(address: string): Promise<RawClient> {
  const at = address.lastIndexOf(":");
  const socket = connect({ host: address.slice(0, at), port: Number(address.slice(at + 1)), noDelay: true });
  let received: Buffer = Buffer.alloc(0);
  let waiting: { bytes: number; resolve(bytes: Buffer): void; reject(error: Error): void } | undefined;
  function serve(): void {
    if (waiting === undefined || received.length < waiting.bytes) return;
    const { bytes, resolve } = waiting;
    waiting = undefined;
    const taken = received.subarray(0, bytes);
    received = received.subarray(bytes);
    resolve(taken);
  }
  socket.on("data", (chunk) => {
    received = Buffer.concat([received, chunk]);
    serve();
  });
  socket.on("error", () => undefined);
  const closed = new Promise<void>((resolve) => socket.once("close", () => resolve()));
  void closed.then(() => waiting?.reject(new Error(`hung up after ${received.toString("hex") || "nothing"}`)));
  await Promise.race([new Promise((resolve) => socket.once("connect", resolve)), closed]);
  return {
    socket,
    send: (...packets) => void socket.write(Buffer.concat(packets)),
    take: (bytes) =>
      new Promise((resolve, reject) => {
        waiting = { bytes, resolve, reject };
        if (socket.destroyed && received.length < bytes) reject(new Error("hung up"));
        serve();
      }),
    untaken: () => received,
    closed,
  };
}
