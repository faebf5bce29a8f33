import { expect, test } from "vitest";
import { registerSeries } from "../../../../test/support/readings.ts";
import { apiWorld, aSnapshot, injectableApi } from "../../../../test/support/worlds/api-world.ts";
import { memoryRegistry, memorySeries, memorySnapshots } from "../../../../test/support/worlds/memory-ports.ts";

async function search() {
  const record = (meterId: string) => ({ meterId, usagePointId: `up-${meterId}`, registers: [] });
  const registry = memoryRegistry(record("m-1"), record("m-10"), record("m-2"), record("a-1"));
  const snapshots = memorySnapshots(...["m-1", "m-11", "x-1"].map((meterId) => aSnapshot({ meterId })));
  const series = memorySeries({ "m-99": [registerSeries([[1000, 1]])] });
  const app = await injectableApi(apiWorld({ registry, snapshots, series }));
  return async (query: string) => {
    const answer = await app.inject({ url: `/v1/search?${query}`, headers: { host: "localhost" } });
    return answer.statusCode === 200
      ? answer.json().items.map(({ meterId }: { meterId: string }) => meterId)
      : answer.json().code;
  };
}

test("meters with a record and without are found by the beginning of their id, the exact one first", async () => {
  const found = await search();
  expect(await found("q=m-1")).toEqual(["m-1", "m-10", "m-11"]);
  expect(await found("q=m")).toEqual(["m-1", "m-10", "m-11", "m-2"]);
  expect(await found("q=m&limit=2")).toEqual(["m-1", "m-10"]);
  expect(await found("q=%20x-%20")).toEqual(["x-1"]);
  expect(await found("q=zz")).toEqual([]);
});

test("a meter that has only just begun is found by its whole id", async () => {
  const found = await search();
  expect(await found("q=m-99")).toEqual(["m-99"]);
  expect(await found("q=m-9")).toEqual([]);
});

test.each(["", "q=", "q=%2F", "q=m&limit=0"])("?%s is refused", async (query) => {
  expect(await (await search())(query)).toBe("request_invalid");
});
