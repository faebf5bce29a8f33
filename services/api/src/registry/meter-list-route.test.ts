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
