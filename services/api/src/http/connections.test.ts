import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { expect, onTestFinished, test } from "vitest";
import { apiWorld, servedApi } from "../../../../test/support/worlds/api-world.ts";

/** H21: half requests neither stay nor keep others out. */

const half = "GET /v1/status HTTP/1.1\r\nhost: localhost\r\nx: ";

async function halfRequest(address: string, text: string): Promise<Socket> {
  const socket = connect(Number(address.split(":").at(-1)), "127.0.0.1");
  socket.on("error", () => undefined);
  onTestFinished(() => void socket.destroy());
  await once(socket, "connect");
  socket.write(text);
  return socket;
}

async function answerOf(socket: Socket): Promise<string> {
  let text = "";
  socket.on("data", (data) => (text += data.toString()));
  await once(socket, "close");
  return text;
}

test("H21: health is answered while half requests hold all connections", async () => {
  const { address } = await servedApi(apiWorld({}, { limits: { connectionsMax: 20 } }));
  const sockets: Socket[] = [];
  for (let i = 0; i < 20; i += 1) sockets.push(await halfRequest(address, half));
  const first = answerOf(sockets[0] as Socket);
  expect((await fetch(`http://${address}/healthz`)).status).toBe(200);
  await first;
  expect(await (await fetch(`http://${address}/metrics`)).text()).toMatch(/ended_total\{reason="crowded"\} [12]/);
});

test("H21: unfinished bodies make place too", async () => {
  const { address } = await servedApi(apiWorld({}, { limits: { connectionsMax: 10 } }));
  const body =
    "PUT /v1/meters/m-1 HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: 99\r\n\r\n{";
  for (let i = 0; i < 10; i += 1) await halfRequest(address, body);
  expect((await fetch(`http://${address}/healthz`)).status).toBe(200);
});

test.for([
  { case: "headers", limits: { headersMs: 200 }, text: half },
  {
    case: "a body",
    limits: { bodyMs: 200 },
    text: "PUT /v1/meters/m-1 HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: 99\r\n\r\n{",
  },
])("H21: $case that do not come end with 408", async ({ limits, text }) => {
  const { address } = await servedApi(apiWorld({}, { limits }));
  const socket = await halfRequest(address, text);
  expect(await answerOf(socket)).toContain("request_timeout");
});
