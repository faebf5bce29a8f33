import { connect } from "node:net";
import { type Done, type FloodTarget, opened } from "./hostile-flood.ts";
import { inTurns } from "./hostile-packets.ts";

const halves = 5_000;
const againAfterMs = 20;
const importBytes = 50_000_000;

/** H21: requests whose headers do not end. */
export function halfRequests({ httpPort }: FloodTarget, done: Done): void {
  const text = "GET /v1/status HTTP/1.1\r\nhost: localhost\r\nx: ";
  const begin = () => {
    done.connections += 1;
    done.sent += 1;
    done.bytes += text.length;
    const socket = opened(httpPort, () => setTimeout(begin, againAfterMs));
    socket.write(text);
  };
  inTurns(halves, begin);
}

const slowReaders = 24;
const slowReadEveryMs = 15_000;
const slowReadBytes = 1024;

/** H14: exports of everything that was refused, of which a kilobyte is read now and then. */
export function slowExports({ httpPort }: FloodTarget, done: Done): void {
  const ask = "GET /v1/rejected HTTP/1.1\r\nhost: localhost\r\naccept: application/x-ndjson\r\n\r\n";
  const begin = () => {
    done.connections += 1;
    done.sent += 1;
    done.bytes += ask.length;
    const socket = connect({ host: "127.0.0.1", port: httpPort });
    const timer = setInterval(() => socket.read(slowReadBytes), slowReadEveryMs);
    socket.on("error", () => undefined);
    socket.pause();
    // Without a listener for data nothing is read but what is asked for.
    socket.on("readable", () => undefined);
    socket.once("close", () => {
      clearInterval(timer);
      setTimeout(begin, againAfterMs);
    });
    socket.write(ask);
  };
  for (let number = 0; number < slowReaders; number += 1) begin();
}

/** H12: imports of nothing but errors, many on a line and many lines. */
export function imports({ httpPort }: FloodTarget, done: Done): void {
  const lines = [
    `{"meterId":"m-1","registers":[${"{},".repeat(200)}{}],"zone":"Mars"}\n`.repeat(100),
    '{"zone":"Mars","registers":[{}],"x":1}\n'.repeat(1_000),
    "x\n".repeat(50_000),
  ];
  const begin = (number: number) => {
    const piece = Buffer.from(lines[number % lines.length] as string);
    const times = Math.min(Math.floor(importBytes / piece.length), number % lines.length === 1 ? 100 : Infinity);
    done.connections += 1;
    done.sent += 1;
    const socket = opened(httpPort, () => setTimeout(begin, againAfterMs, number + 1));
    socket.write(
      `POST /v1/meters:import HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-type: application/x-ndjson\r\ncontent-length: ${times * piece.length}\r\n\r\n`,
    );
    let left = times;
    const go = () => {
      if (socket.destroyed || left === 0) return;
      left -= 1;
      done.bytes += piece.length;
      if (socket.write(piece)) setImmediate(go);
      else socket.once("drain", go);
    };
    go();
  };
  for (let number = 0; number < lines.length; number += 1) begin(number);
}
