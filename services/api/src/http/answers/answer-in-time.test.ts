import { expect, test } from "vitest";
import { apiWorld, servedApi } from "../../../../../test/support/worlds/api-world.ts";
import { memorySeries, memorySnapshots } from "../../../../../test/support/worlds/memory-ports.ts";

const frozen = () => new Promise<never>(() => undefined);
const away = async () => ({ ready: false, problems: ["InfluxDB does not answer: no answer in 2500 ms"] });
const well: typeof away = async () => ({ ready: true, problems: [] });
const limits = { answerMs: 200 };

const calls = [
  ["GET", "/v1/status"],
  ["GET", "/v1/meters/m-1/readings?from=2026-10-01T00:00:00Z&to=2026-10-02T00:00:00Z"],
  ["GET", "/v1/periods/2026-10"],
  ["GET", "/v1/snapshots?period=2026-10"],
  ["POST", "/v1/periods/2026-10/close"],
] as const;

/** Ports of which nothing that is asked ever answers. */
function frozenWorld(health: typeof away) {
  const never = (ports: object) =>
    new Proxy(ports, { get: (_, name) => (name === "then" ? undefined : frozen) }) as never;
  const series = never(memorySeries({}));
  const snapshots = never(memorySnapshots());
  return apiWorld(
    { series, snapshots, readingsLog: never({}), jobs: never({}), registry: never({}), health },
    { limits },
  );
}

// D05: the status hung for 120 s with a frozen InfluxDB, then its socket was closed. H18: a close on a full disk.
test.each(calls)("%s %s is answered in time, with what keeps us from our work", async (method, path) => {
  const { address } = await servedApi(frozenWorld(away));
  const response = await fetch(`http://${address}${path}`, { method, signal: AbortSignal.timeout(3000) });
  expect(response.status).toBe(503);
  expect(response.headers.get("content-type")).toBe("application/problem+json");
  expect(response.headers.get("retry-after")).toBe("5");
  expect(await response.json()).toMatchObject({
    code: "storage_unavailable",
    detail: expect.stringMatching(/^InfluxDB does not answer: no answer in 2500 ms/),
  });
});

test.each(["application/x-ndjson", "text/csv"])("a %s stream without a first byte ends so too", async (accept) => {
  const { address } = await servedApi(frozenWorld(away));
  const url = `http://${address}/v1/snapshots?period=2026-10`;
  const response = await fetch(url, { headers: { accept }, signal: AbortSignal.timeout(3000) });
  expect(response.status).toBe(503);
});

test("a call that is slow because it works goes on, and one that is answered late after its 503 hurts nobody", async () => {
  const late = Promise.withResolvers<void>();
  const series = { ...memorySeries({}), totals: async () => late.promise.then(() => memorySeries({}).totals()) };
  let health = well;
  const { address } = await servedApi(apiWorld({ series, health: () => health() }, { limits }));
  const slow = fetch(`http://${address}/v1/status`);
  const states = await Promise.race([slow, new Promise((resolve) => setTimeout(resolve, 1000, "still at it"))]);
  expect(states).toBe("still at it");
  health = away;
  expect((await slow).status).toBe(503);
  health = well;
  late.resolve();
  expect((await fetch(`http://${address}/v1/status`)).status).toBe(200);
});

test("what tells how we are is answered whatever our state", async () => {
  const { address } = await servedApi(frozenWorld(away));
  expect((await fetch(`http://${address}/healthz`)).status).toBe(200);
  expect((await fetch(`http://${address}/readyz`)).status).toBe(503);
});
