import type { Socket } from "node:net";

/** Why a connection is not read from: a set of bits. */
export const hold = { connecting: 1, messages: 2, bytes: 4, writing: 8, session: 16, leaving: 32, turn: 64 } as const;

type Hold = (typeof hold)[keyof typeof hold];

/**
 * When a socket is read from and how it is written to. It is read from while nobody holds it; a peer that does not
 * read what it is sent holds itself, so at most the answers to what is in flight are ever buffered for it.
 */
export interface SocketFlow {
  hold(why: Hold): void;
  lift(why: Hold): void;
  held(): boolean;
  /** Runs the work on a chunk; what it lifts and holds takes effect at its end. */
  work(work: () => void): void;
  write(bytes: Buffer): boolean;
  /** `done` is called when more may be written. */
  writeAll(chunks: readonly Buffer[], done: () => void): void;
  /** Since when the peer has not read; undefined when it does. */
  blockedSinceMs(): number | undefined;
}

/** `resumed` is called when the last hold is lifted, before more is read: it may hold again. */
export function socketFlow(socket: Socket, nowMs: () => number, resumed: () => void): SocketFlow {
  let holds = 0;
  let paused = false;
  let working = false;
  let blockedAtMs: number | undefined;
  let waiting: (() => void)[] = [];

  function put(why: Hold): void {
    holds |= why;
    if (paused) return;
    paused = true;
    socket.pause();
  }

  function lift(why: Hold): void {
    if ((holds & why) === 0) return;
    holds &= ~why;
    if (holds === 0 && !working) work(resumed);
  }

  function work(run: () => void): void {
    working = true;
    run();
    working = false;
    if (holds !== 0 || !paused) return;
    paused = false;
    socket.resume();
  }

  function write(bytes: Buffer): boolean {
    if (!socket.writable || socket.write(bytes)) return true;
    blockedAtMs ??= nowMs();
    put(hold.writing);
    return false;
  }

  socket.on("drain", () => {
    blockedAtMs = undefined;
    const done = waiting;
    waiting = [];
    for (const next of done) next();
    lift(hold.writing);
  });

  return {
    hold: put,
    lift,
    held: () => holds !== 0,
    work,
    write,
    writeAll(chunks, done) {
      let flows = true;
      socket.cork();
      for (const chunk of chunks) flows = write(chunk);
      socket.uncork();
      if (flows) done();
      else waiting.push(done);
    },
    blockedSinceMs: () => blockedAtMs,
  };
}
