import { openInfluxSeriesStores } from "@meterbook/adapters/influxdb/series/influxdb-series-store";
import { AdapterError } from "@meterbook/core/ports/adapter-error";
import type { SeriesStore } from "@meterbook/core/ports/series-store";
import { expect, onTestFinished, test, vi } from "vitest";
import { type Fate, httpProxy, type ProxiedRequest } from "../support/network/http-proxy.ts";
import { active, applyTo } from "./series-store-writes.ts";

/** What the server at the other end answers to writes of readings, one after the other; 204 when there are no more. */
async function storeAnswered(
  fates: (Fate | ((request: ProxiedRequest) => Fate | Promise<Fate>))[],
  options: { requestMsMax?: number; linesMax?: number } = {},
) {
  const writes: string[] = [];
  const proxy = await httpProxy((request) => {
    if (request.path.startsWith("/query")) return { status: 200, body: '{"results":[]}' };
    if (request.body.startsWith("progress")) return { status: 204 };
    writes.push(request.body);
    const fate = fates.length > 1 || typeof fates[0] !== "function" ? fates.shift() : fates[0];
    return (typeof fate === "function" ? fate(request) : fate) ?? { status: 204 as const };
  });
  const refused: string[] = [];
  const failures: string[] = [];
  const stores = openInfluxSeriesStores({
    servers: [{ url: proxy.url, token: "t", first: 0, last: 255 }],
    org: "grid",
    bucket: "meters",
    partitions: 1,
    refused: async (lines) => void refused.push(...lines.map(({ line }) => line)),
    events: { requestFailed: ({ error }) => void failures.push(error.message) },
    ...options,
  });
  onTestFinished(async () => {
    await stores.close();
    await proxy.close();
  });
  const store = await stores.open(0, 1);
  return { store, stores, proxy, writes, refused, failures, finish: await begun(store) };
}

/** A batch of `meterCount` readings, of which the meters not known before are met, ready to be applied. */
async function begun(store: SeriesStore, meterCount = 8): Promise<() => Promise<void>> {
  const first = { at: 900, value: 5, code: 0 };
  const numbers = Array.from({ length: meterCount }, (_, no) => no);
  const fresh = numbers.filter((no) => no >= store.meterNoNext);
  const met = fresh.map((no) => ({ no, meterId: `m${no}`, channels: [{ ...active, index: 0, first }] }));
  const column = { channelIndex: 0, at: [900], value: [5], code: [0] };
  const newer = numbers.map((meterNo) => ({ meterNo, position: 0, series: [column] }));
  const counts = { ...store.progress.counts, stored: store.progress.counts.stored + meterCount };
  return () => applyTo(store, { met, newer }, { position: 1, newestAt: 900, counts });
}

test("204 is success: one request for the lines, then one for the progress", async () => {
  const { finish, writes, proxy, store } = await storeAnswered([]);
  await finish();
  expect(writes.length).toBe(1);
  expect(writes[0]?.split("\n").filter((line) => line.startsWith("reading,")).length).toBe(8);
  expect(proxy.requests.at(-1)?.body).toMatch(/^progress,part=0 position=1i,.* 1\ntrail,part=0 .*\n$/);
  expect(proxy.requests.at(-1)?.headers["content-encoding"]).toBeUndefined();
  await (await begun(store, 40))();
  expect(proxy.requests.at(-2)?.headers["content-encoding"]).toBe("gzip");
  expect(store.progress.position).toBe(1);
});

test.each<[string, Fate]>([
  ["200 of something in between", { status: 200, body: "welcome" }],
  ["500", { status: 500, body: "cache-max-memory-size exceeded" }],
  ["503", { status: 503 }],
  ["429", { status: 429 }],
  ["a reset", "reset"],
  ["a hang", "hang"],
])("%s is repeated until the lines are stored", async (_, fate) => {
  // Enough for a machine that stands still. Only a hang takes so long.
  const { finish, writes, failures } = await storeAnswered([fate, fate], { requestMsMax: 3000 });
  await finish();
  expect(writes.length).toBe(3);
  expect(new Set(writes).size).toBe(1);
  expect(failures.length).toBe(2);
});

test("Retry-After is in seconds", async () => {
  const { finish } = await storeAnswered([{ status: 503, headers: { "retry-after": "1" } }]);
  const started = performance.now();
  await finish();
  expect(performance.now() - started).toBeGreaterThanOrEqual(990);
});

test("413 halves the request", async () => {
  const { finish, writes, refused } = await storeAnswered([
    ({ body }) => (body.split("\n").length > 5 ? { status: 413 } : { status: 204 }),
  ]);
  await finish();
  expect(refused).toEqual([]);
  const stored = writes.filter((body) => body.split("\n").length <= 5).join("");
  expect(stored.split("\n").filter((line) => line.startsWith("reading,")).length).toBe(8);
});

test.each([
  [400, (bad: string) => `{"code":"invalid","message":"unable to parse '${bad}': invalid field format"}`],
  [422, () => '{"code":"unprocessable entity","message":"partial write: field type conflict dropped=1"}'],
])("%i: the bad line goes to the rejected log and the others are stored", async (status, body) => {
  const isBad = (line: string) => line.startsWith("reading,") && line.includes(",m=m3 ");
  const { finish, writes, refused, store } = await storeAnswered([
    (request) => {
      const bad = request.body.split("\n").filter(isBad);
      const headers = { "content-type": "application/json" };
      return bad.length === 0 ? { status: 204 } : { status, headers, body: body(bad[0] ?? "") };
    },
  ]);
  await finish();
  expect(refused.length).toBe(1);
  expect(isBad(refused[0] ?? "")).toBe(true);
  const accepted = writes.filter((written) => !written.split("\n").some(isBad)).join("");
  expect(accepted.split("\n").filter((line) => line.startsWith("reading,")).length).toBe(7);
  expect(store.progress).toMatchObject({ position: 1, counts: { stored: 7, refused: 1 } });
});

test("a request of which every line was dropped is not taken apart", async () => {
  const body = "points beyond retention policy dropped=16";
  const { finish, writes, refused, store } = await storeAnswered([{ status: 422, body }]);
  await finish();
  expect(writes.length).toBe(1);
  expect(refused.length).toBe(16);
  expect(store.progress.counts).toMatchObject({ stored: 0, refused: 8 });
});

test.each([
  [400, "no such precision", "METERBOOK_INFLUX_URL"],
  [401, "unauthorized access", "METERBOOK_INFLUX_TOKEN"],
  [403, "insufficient permissions for write", "METERBOOK_INFLUX_TOKEN"],
  [404, 'bucket "meters" not found', "METERBOOK_INFLUX_BUCKET"],
  [404, 'organization name "grid" not found', "METERBOOK_INFLUX_ORG"],
  [404, "page not found", "METERBOOK_INFLUX_URL"],
  [302, "", "METERBOOK_INFLUX_URL"],
])("%i %s stops with the setting's name", async (status, body, setting) => {
  const { finish, refused, store } = await storeAnswered([{ status, body }]);
  const error = await finish().catch((caught: unknown) => caught);
  expect(error).toBeInstanceOf(AdapterError);
  expect(error).toMatchObject({ code: "store_write_failed", retryable: false });
  expect((error as Error).message).toContain(setting);
  expect(refused).toEqual([]);
  expect(store.progress.position).toBe(0);
});

test("a batch whose store is closed stops repeating", async () => {
  const { finish, store, failures } = await storeAnswered(Array.from({ length: 100 }, () => ({ status: 500 })));
  const outcome = finish().catch((caught: unknown) => caught);
  await vi.waitFor(() => expect(failures.length).toBeGreaterThan(0));
  await store.close();
  expect(await outcome).toMatchObject({ code: "store_write_failed", retryable: true });
});

test("requests of a batch are one after the other, each with so many lines", async () => {
  let running = 0;
  let runningMax = 0;
  const { finish, writes } = await storeAnswered(
    [
      async () => {
        running += 1;
        runningMax = Math.max(runningMax, running);
        await new Promise(setImmediate);
        running -= 1;
        return { status: 204 };
      },
    ],
    { linesMax: 4 },
  );
  await finish();
  expect(writes.map((body) => body.split("\n").filter((line) => /^(reading|channel)/.test(line)).length)).toEqual([
    4, 4, 4, 4,
  ]);
  expect(runningMax).toBe(1);
});
