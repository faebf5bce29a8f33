import { expect, test } from "vitest";
import { instant, registerSeries } from "../../../../test/support/readings.ts";
import { apiWorld, injectableApi } from "../../../../test/support/worlds/api-world.ts";
import { memoryRegistry, memorySeries } from "../../../../test/support/worlds/memory-ports.ts";
import { listedMeterSchema } from "./meter-list-route.ts";

const at = instant("2026-11-09T22:00:00Z");
const record = (meterId: string) => ({ meterId, usagePointId: `up-${meterId}`, registers: [] });

/** m-1 and m-3 registered, m-1, m-2, m-4 and m-5 report. */
async function fleet() {
  const reporting = ["m-1", "m-2", "m-4", "m-5"].map((meterId, index) => {
    const series = registerSeries([
      [at, 1],
      [at + 900 * (index + 1), 2],
    ]);
    return [meterId, [series]] as const;
  });
  const world = apiWorld({
    registry: memoryRegistry(record("m-3"), record("m-1")),
    series: memorySeries(Object.fromEntries(reporting)),
  });
  const app = await injectableApi(world);
  return {
    ask: async (query = "", accept = "application/json") =>
      app.inject({ url: `/v1/meters${query}`, headers: { accept } }),
    ids: async (query: string) => {
      const answer = await app.inject(`/v1/meters${query}`);
      return answer.json().items.map(({ meterId }: { meterId: string }) => meterId);
    },
  };
}

test("N07: known and merely reporting meters are listed together, told apart, with their newest reading", async () => {
  const { ask } = await fleet();
  const { items } = (await ask()).json();
  for (const item of items) listedMeterSchema.parse(item);
  expect(
    items.map(({ meterId, usagePointId, registered, reported, lastReadingAt }: Record<string, unknown>) => [
      ...[meterId, usagePointId, registered, reported, lastReadingAt],
    ]),
  ).toEqual([
    ["m-1", "up-m-1", true, true, "2026-11-09T22:15:00Z"],
    ["m-2", "m-2", false, true, "2026-11-09T22:30:00Z"],
    ["m-3", "up-m-3", true, false, null],
    ["m-4", "m-4", false, true, "2026-11-09T22:45:00Z"],
    ["m-5", "m-5", false, true, "2026-11-09T23:00:00Z"],
  ]);
});

test.each([1, 2, 3, 4, 5])("N07: pages of %i have every meter once, in order", async (size) => {
  const { ask } = await fleet();
  const found: string[] = [];
  for (let query = `?limit=${size}`; ; ) {
    const { items, nextCursor } = (await ask(query)).json();
    expect(items.length).toBeLessThanOrEqual(size);
    found.push(...items.map(({ meterId }: { meterId: string }) => meterId));
    if (nextCursor === undefined) break;
    query = `?limit=${size}&cursor=${nextCursor}`;
  }
  expect(found).toEqual(["m-1", "m-2", "m-3", "m-4", "m-5"]);
});

test.each([
  ["?registered=true", ["m-1", "m-3"]],
  ["?registered=false", ["m-2", "m-4", "m-5"]],
  ["?reported=false", ["m-3"]],
  ["?reported=true&registered=true", ["m-1"]],
  ["?reported=false&registered=false", []],
  ["?registered=false&limit=2", ["m-2", "m-4"]],
])("N07: %s", async (query, expected) => {
  expect(await (await fleet()).ids(query)).toEqual(expected);
});

test("N07: NDJSON has all, the CSV what an import takes", async () => {
  const { ask } = await fleet();
  const lines = (await ask("", "application/x-ndjson")).body.trim().split("\n");
  expect(lines.map((line) => JSON.parse(line).meterId)).toEqual(["m-1", "m-2", "m-3", "m-4", "m-5"]);
  const rows = async (query: string) => (await ask(query, "text/csv")).body.trim().split("\n").slice(1);
  expect((await rows("")).map((row) => row.split(",")[0])).toEqual(["m-1", "m-3"]);
  expect(await rows("?registered=false")).toEqual([]);
  expect((await rows("?reported=false")).map((row) => row.split(",")[0])).toEqual(["m-3"]);
});

test("a cursor of a list with other filters is refused", async () => {
  const { ask } = await fleet();
  const { nextCursor } = (await ask("?limit=1&registered=false")).json();
  expect((await ask(`?limit=1&cursor=${nextCursor}`)).json().code).toBe("cursor_invalid");
});

/** Where `registered` are, and `reporting` are heard of, of which the list of the store has `listed`. */
async function largeFleet(registered: string[], reporting: string[], listed = reporting) {
  const newest = registerSeries([[at, 1]]);
  const series = memorySeries(Object.fromEntries(reporting.map((meterId) => [meterId, [newest]])));
  const lookedUp: string[] = [];
  const app = await injectableApi(
    apiWorld({
      registry: memoryRegistry(...registered.map(record)),
      series: {
        ...series,
        meterIds: async ({ afterMeterId = "", limit }) => listed.filter((id) => id > afterMeterId).slice(0, limit),
        newestOf: async (meterIds) => {
          lookedUp.push(...meterIds);
          return series.newestOf(meterIds);
        },
      },
    }),
  );
  return { lookedUp, ask: async (query: string) => (await app.inject(`/v1/meters${query}`)).json() };
}

const idsFrom = (count: number) => Array.from({ length: count }, (_, index) => `m-${String(100_000 + index)}`);

test("the newest reading is looked up for the page alone, also where meters are filtered", async () => {
  const ids = idsFrom(500);
  const { ask, lookedUp } = await largeFleet(ids, ids);
  expect((await ask("?registered=true&limit=10")).items.length).toBe(10);
  expect(lookedUp.length).toBe(11);
});

test("a page of a filtered list ends after so many meters, and the list goes on from there", async () => {
  const ids = idsFrom(60_000);
  const { ask } = await largeFleet(["m-999999"], [...ids, "m-999999"]);
  const sizes: number[] = [];
  for (let query = "?registered=true&limit=10"; ; ) {
    const { items, nextCursor } = await ask(query);
    sizes.push(items.length);
    if (nextCursor === undefined) break;
    query = `?registered=true&limit=10&cursor=${nextCursor}`;
  }
  expect(sizes.length).toBeGreaterThan(1);
  expect(sizes.reduce((sum, size) => sum + size)).toBe(1);
  expect(sizes.at(-1)).toBe(1);
});

test("a registered meter that has begun to report and is not in the store's list yet has reported", async () => {
  const { ask } = await largeFleet(["m-1", "m-2", "m-3"], ["m-1", "m-2"], ["m-1"]);
  const told = async (query: string) =>
    (await ask(query)).items.map(({ meterId, reported, lastReadingAt }: Record<string, unknown>) => [
      ...[meterId, reported, lastReadingAt],
    ]);
  const newestAt = "2026-11-09T22:00:00Z";
  expect(await told("")).toEqual([
    ["m-1", true, newestAt],
    ["m-2", true, newestAt],
    ["m-3", false, null],
  ]);
  expect(await told("?reported=true")).toEqual([
    ["m-1", true, newestAt],
    ["m-2", true, newestAt],
  ]);
  expect(await told("?reported=false")).toEqual([["m-3", false, null]]);
});
