import { once } from "node:events";
import { connect } from "node:net";
import { Gauge, Registry } from "prom-client";
import { expect, onTestFinished, test } from "vitest";
import { serveHealth } from "./health-server.ts";

async function served(problems: () => readonly string[], notices?: () => Promise<readonly string[]>) {
  const metrics = new Registry();
  new Gauge({ name: "a_gauge", help: "A.", registers: [metrics] }).set(5);
  const server = await serveHealth({
    listen: { host: "127.0.0.1", port: 0 },
    metrics,
    problems,
    ...(notices === undefined ? {} : { notices }),
  });
  onTestFinished(() => server.close());
  return (path: string) => fetch(`http://${server.address}${path}`);
}

test("ready says what is wrong, and 200 once nothing is", async () => {
  const wrong = ["kafka: no broker answers"];
  const get = await served(() => wrong);
  const unready = await get("/readyz");
  expect(unready.status).toBe(503);
  expect(await unready.json()).toEqual({ ready: false, problems: wrong, notices: [] });
  wrong.pop();
  expect((await get("/readyz")).status).toBe(200);
});

test("what an operator should know is named, and readiness stays", async () => {
  const get = await served(
    () => [],
    async () => ["ledger: 1 damaged or lost"],
  );
  const ready = await get("/readyz");
  expect(ready.status).toBe(200);
  expect(await ready.json()).toEqual({ ready: true, problems: [], notices: ["ledger: 1 damaged or lost"] });
});

test("answers its health and metrics, and nothing else", async () => {
  const get = await served(() => ["kafka: no broker answers"]);
  expect((await get("/healthz")).status).toBe(200);
  expect(await (await get("/metrics?x=1")).text()).toContain("a_gauge 5");
  expect((await get("/v1/status")).status).toBe(404);
  expect((await get("//")).status).toBe(404);
});

test("an address that is taken is an error", async () => {
  const metrics = new Registry();
  const first = await serveHealth({ listen: { host: "127.0.0.1", port: 0 }, metrics, problems: () => [] });
  onTestFinished(() => first.close());
  const port = Number(first.address.split(":").at(-1));
  await expect(serveHealth({ listen: { host: "127.0.0.1", port }, metrics, problems: () => [] })).rejects.toThrow(
    "EADDRINUSE",
  );
});

test("H21: health is answered while half requests hold all connections", async () => {
  const server = await serveHealth({
    listen: { host: "127.0.0.1", port: 0 },
    metrics: new Registry(),
    problems: () => [],
    connectionsMax: 10,
  });
  onTestFinished(() => server.close());
  for (let i = 0; i < 10; i += 1) {
    const socket = connect(Number(server.address.split(":").at(-1)), "127.0.0.1");
    socket.on("error", () => undefined);
    onTestFinished(() => void socket.destroy());
    await once(socket, "connect");
    socket.write("GET /healthz HTTP/1.1\r\nhost: x\r\nx: ");
  }
  expect((await fetch(`http://${server.address}/healthz`)).status).toBe(200);
});
