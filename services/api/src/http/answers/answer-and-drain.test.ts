// Goal: who sends a body that is too large reads the 413, also if it looks for an answer only after it has sent all.
// Method: a client on a bare socket that writes first and reads afterwards; the bounds of what is read for it.
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { expect, onTestFinished, test } from "vitest";
import { apiWorld, servedApi } from "../../../../../test/support/worlds/api-world.ts";
import type { ApiLimits } from "../../api-settings.ts";

const piece = Buffer.alloc(64 * 1024, 0x20);

async function connected(limits: Partial<ApiLimits> = {}): Promise<Socket> {
  const { address } = await servedApi(apiWorld({}, { limits }));
  const socket = connect(Number(address.split(":").at(-1)), "127.0.0.1");
  socket.on("error", () => undefined);
  onTestFinished(() => void socket.destroy());
  await once(socket, "connect");
  socket.pause();
  return socket;
}

function begin(socket: Socket, call: string, type: string, bytes: number | undefined): void {
  const length = bytes === undefined ? "transfer-encoding: chunked" : `content-length: ${bytes}`;
  socket.write(`${call} HTTP/1.1\r\nhost: localhost\r\ncontent-type: ${type}\r\n${length}\r\n\r\n`);
}

async function writeAll(socket: Socket, bytes: Buffer): Promise<void> {
  await new Promise<void>((resolve, reject) => socket.write(bytes, (error) => (error ? reject(error) : resolve())));
}

/** With an error or without: both ends may go first. */
async function closed(socket: Socket): Promise<"closed"> {
  if (!socket.closed) await new Promise<void>((resolve) => void socket.once("close", () => resolve()));
  return "closed";
}

async function readToEnd(socket: Socket): Promise<string> {
  let text = "";
  socket.on("data", (data) => (text += data.toString()));
  socket.resume();
  await closed(socket);
  return text;
}

test.for([
  ["PUT /v1/meters/m-1", "application/json", undefined, {}],
  ["PUT /v1/meters/m-1", "application/json", 8_000_000, {}],
  ["POST /v1/meters:import", "application/x-ndjson", 8_000_000, { importBytesMax: 100_000 }],
  ["POST /v1/meters:import", "text/csv", undefined, { importBytesMax: 100_000 }],
] as const)("%s of %s, %s bytes: the 413 is there after all was sent", async ([call, type, bytes, limits]) => {
  const socket = await connected(limits);
  begin(socket, call, type, bytes);
  for (let sent = 0; sent < 8_000_000; sent += piece.length) {
    const part = bytes === undefined ? piece : piece.subarray(0, Math.min(piece.length, bytes - sent));
    const head = bytes === undefined ? `${part.length.toString(16)}\r\n` : "";
    await writeAll(socket, Buffer.concat([Buffer.from(head), part, Buffer.from(bytes === undefined ? "\r\n" : "")]));
  }
  if (bytes === undefined) await writeAll(socket, Buffer.from("0\r\n\r\n"));
  const answer = await readToEnd(socket);
  expect(answer).toMatch(/^HTTP\/1\.1 413 /);
  expect(answer).toContain('"code":"body_too_large"');
  expect(answer.toLowerCase()).toContain("connection: close");
});

test("an import of too many lines is told so after all of it was sent", async () => {
  const socket = await connected({ importLinesMax: 10 });
  const body = Buffer.from('{"meterId":"m-1","registers":[]}\n'.repeat(100_000));
  begin(socket, "POST /v1/meters:import", "application/x-ndjson", body.length);
  await writeAll(socket, body);
  expect(await readToEnd(socket)).toContain('"code":"import_too_large"');
});

test("of a body without end a bounded amount is read, and then the connection ends", async () => {
  const socket = await connected({ drainBytesMax: 1_000_000 });
  begin(socket, "PUT /v1/meters/m-1", "application/json", 1_000_000_000);
  const sent = (async () => {
    for (let i = 0; i < 4000; i += 1) await writeAll(socket, piece);
    return "all sent";
  })().catch(() => "closed");
  socket.resume();
  expect(await Promise.race([closed(socket), sent])).toBe("closed");
});

test("who stops sending is not waited for", async () => {
  const socket = await connected({ drainMs: 50 });
  begin(socket, "PUT /v1/meters/m-1", "application/json", 1_000_000_000);
  expect(await readToEnd(socket)).toContain("body_too_large");
});
