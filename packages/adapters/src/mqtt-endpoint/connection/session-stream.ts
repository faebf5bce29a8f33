import { Duplex } from "node:stream";

/** The stream that the session broker takes for the connection. */
export interface SessionStream {
  readonly stream: Duplex;
  /** Hands a packet over; false when the broker has enough for now, `wanted` says when it has not. */
  hand(packet: Buffer): boolean;
  destroy(): void;
}

export function sessionStream(owner: {
  /** The broker wants more. */
  wanted(): void;
  /** Bytes for the meter; `done` is called once they have left. */
  write(chunks: readonly Buffer[], done: () => void): void;
  /** The broker hangs up. */
  hungUp(): void;
}): SessionStream {
  const stream = new Duplex({
    readableHighWaterMark: 16_384,
    writableHighWaterMark: 16_384,
    decodeStrings: true,
    read: () => owner.wanted(),
    write: (chunk: Buffer, _encoding, done) => owner.write([chunk], done),
    writev: (chunks, done) =>
      owner.write(
        chunks.map(({ chunk }) => chunk as Buffer),
        done,
      ),
    destroy(_error, done) {
      owner.hungUp();
      done(null);
    },
  });
  return { stream, hand: (packet) => stream.push(packet), destroy: () => void stream.destroy() };
}
