import type { Socket } from "node:net";
import { Duplex } from "node:stream";
import { expect, test, vi } from "vitest";
import { hold, socketFlow } from "./socket-flow.ts";

/** A peer that reads nothing until `read` is called. */
function slowPeer() {
  const written: string[] = [];
  let waiting: (() => void) | undefined;
  const socket = new Duplex({
    highWaterMark: 8,
    read: () => undefined,
    write(chunk: Buffer, _encoding, done) {
      written.push(chunk.toString());
      waiting = done;
    },
  });
  function read(): void {
    while (waiting !== undefined) {
      const done = waiting;
      waiting = undefined;
      done();
    }
  }
  return { socket: socket as Socket, written, read };
}

test("a peer that does not read is not read from, and those who write to it wait", async () => {
  const { socket, written, read } = slowPeer();
  const resumed = vi.fn();
  const done = vi.fn();
  const flow = socketFlow(socket, () => 77, resumed);
  flow.writeAll([Buffer.from("ab")], done);
  expect(done).toHaveBeenCalledTimes(1);
  expect(flow.held()).toBe(false);
  flow.writeAll([Buffer.from("cdef"), Buffer.from("ghij")], done);
  expect(done).toHaveBeenCalledTimes(1);
  expect(flow.held()).toBe(true);
  expect(flow.blockedSinceMs()).toBe(77);
  await vi.waitFor(() => {
    read();
    expect(done).toHaveBeenCalledTimes(2);
  });
  expect(written.join("")).toBe("abcdefghij");
  expect(flow.blockedSinceMs()).toBeUndefined();
  expect(flow.held()).toBe(false);
  expect(resumed).toHaveBeenCalledTimes(1);
});

test("reading goes on when the last of several holds is lifted, and not before what waits is worked on", () => {
  const { socket } = slowPeer();
  const flow = socketFlow(
    socket,
    () => 0,
    () => {
      expect(socket.isPaused()).toBe(true);
      if (again) flow.hold(hold.bytes);
      again = false;
    },
  );
  let again = true;
  socket.resume();
  flow.hold(hold.messages);
  flow.hold(hold.session);
  flow.lift(hold.messages);
  expect(socket.isPaused()).toBe(true);
  flow.lift(hold.session);
  expect(socket.isPaused()).toBe(true);
  flow.lift(hold.bytes);
  expect(socket.isPaused()).toBe(false);
});
