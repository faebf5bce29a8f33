import { once } from "node:events";
import { connect } from "node:net";
import { expect, onTestFinished, test } from "vitest";
import {
  apiWorld,
  aRegisterSnapshot,
  aSnapshot,
  injectableApi,
  servedApi,
} from "../../../../../test/support/worlds/api-world.ts";
import { memorySnapshots } from "../../../../../test/support/worlds/memory-ports.ts";

async function world() {
  const snapshots = memorySnapshots(
    aSnapshot(),
    aSnapshot({ revision: 2, lifecycle: "revised" }),
    aSnapshot({ meterId: "m-2" }),
    aSnapshot({ meterId: "m-3", registers: [aRegisterSnapshot({ consumption: null })] }),
  );
  const made = apiWorld({ snapshots });
  const app = await injectableApi(made);
  const say = async (...items: object[]) =>
    (await app.inject({ method: "POST", url: "/v1/billing/acknowledgements", payload: { items } })).json();
  const handOver = async () => (await app.inject("/v1/periods/2026-10/hand-over")).json();
  return { made, app, snapshots, say, handOver };
}

const line = { snapshot: "m-1/2026-10/1", invoice: "inv-1", opening: 12_100_000, closing: 12_345_678, kWh: "245.678" };

test("billing says what it used, line by line, and what is said again changes nothing", async () => {
  const { say, handOver } = await world();
  expect(await handOver()).toEqual({
    ...{ period: "2026-10", meters: 0, waiting: 3, toCorrect: 0, lines: 0, invoices: 0 },
  });
  const answer = await say(
    { ...line, amount: "1061.32", currency: "UAH" },
    { ...line, snapshot: "m-2/2026-10/1", kWh: 245.679 },
    { ...line, snapshot: "m-9/2026-10/1" },
    { ...line, snapshot: "m-1/2026-10/7" },
    { ...line, snapshot: "m-2/2026-10/1", invoice: "inv-2", kWh: "a lot" },
  );
  expect(answer).toEqual({
    ...{ recorded: 2, known: 0, refused: 3 },
    results: [
      { index: 0, snapshot: "m-1/2026-10/1", status: "recorded", newest: 2 },
      { index: 1, snapshot: "m-2/2026-10/1", status: "recorded", differences: ["consumption"] },
      { index: 2, snapshot: "m-9/2026-10/1", status: "refused", code: "snapshot_unknown" },
      { index: 3, snapshot: "m-1/2026-10/7", status: "refused", code: "revision_unknown" },
      { index: 4, snapshot: "m-2/2026-10/1", status: "refused", code: "kwh_invalid" },
    ],
  });
  expect(await say({ ...line, amount: "1061.32", currency: "UAH" })).toMatchObject({ known: 1, recorded: 0 });
  expect((await say({ ...line, closing: 1 })).results[0]).toMatchObject({ status: "refused", code: "line_differs" });
  expect(await handOver()).toMatchObject({ meters: 2, waiting: 1, toCorrect: 1, lines: 2, invoices: 1 });
  await say({ ...line, snapshot: "m-1/2026-10/2", invoice: "inv-1-corrected" });
  expect(await handOver()).toMatchObject({ meters: 2, toCorrect: 0, lines: 3 });
});

/** A client of events on a socket of its own; what it has heard. */
async function listen(address: string) {
  const [host = "", port = ""] = address.split(":");
  const socket = connect(Number(port), host);
  onTestFinished(() => void socket.destroy());
  let text = "";
  socket.on("data", (bytes) => {
    text += bytes.toString();
  });
  socket.write("GET /v1/periods/2026-10/events HTTP/1.1\r\nhost: 127.0.0.1\r\naccept: text/event-stream\r\n\r\n");
  return {
    socket,
    text: () => text,
    boards: () => [...text.matchAll(/data: (.*)\n/g)].map(([, data = ""]) => JSON.parse(data)),
  };
}

test("the board comes when it is asked for and whenever it changes, and ends when the API does", async () => {
  const { made, snapshots } = await world();
  const api = await servedApi(made);
  const [client, other] = [await listen(api.address), await listen(api.address)];
  await expect.poll(() => [client.boards().length, other.boards().length], { timeout: 10_000 }).toEqual([1, 1]);
  expect(client.text()).toContain("content-type: text/event-stream");
  expect(client.boards()[0]).toMatchObject({ period: { period: "2026-10", meters: 3 }, handOver: { meters: 0 } });
  snapshots.issue(aSnapshot({ meterId: "m-4" }));
  await expect.poll(() => client.boards().at(-1)?.period.meters, { timeout: 10_000 }).toBe(4);
  await expect.poll(() => other.boards().at(-1)?.period.meters, { timeout: 10_000 }).toBe(4);
  expect(client.boards()).toHaveLength(2);
  const ended = once(client.socket, "end");
  await api.close();
  await ended;
});

test("no more watch than may, and who may not is told", async () => {
  const { made } = await world();
  const api = await servedApi(made);
  const clients: Awaited<ReturnType<typeof listen>>[] = [];
  for (let i = 0; i < 20; i += 1) clients.push(await listen(api.address));
  await expect.poll(() => clients.filter((one) => one.boards().length > 0).length, { timeout: 10_000 }).toBe(20);
  const answer = await fetch(`http://${api.address}/v1/periods/2026-10/events`);
  expect([answer.status, ((await answer.json()) as { code: string }).code]).toEqual([503, "too_many_streams"]);
  clients[0]?.socket.destroy();
  await expect
    .poll(
      async () => {
        const again = await fetch(`http://${api.address}/v1/periods/2026-10/events`);
        await again.body?.cancel();
        return again.status;
      },
      { timeout: 10_000 },
    )
    .toBe(200);
});
