import { expect, test } from "vitest";
import { registerSeries } from "../../../../test/support/readings.ts";
import { apiWorld, aSnapshot, injectableApi } from "../../../../test/support/worlds/api-world.ts";
import { memoryRegistry, memorySeries, memorySnapshots } from "../../../../test/support/worlds/memory-ports.ts";
import { meterSchema } from "./meter-routes.ts";

async function search() {
  const record = (meterId: string, more = {}) => ({ meterId, usagePointId: `up-${meterId}`, registers: [], ...more });
  const registry = memoryRegistry(
    record("m-1"),
    record("m-10", { serialNumber: "NIK 2102/77" }),
    record("m-2", { serialNumber: "nik 2102/78" }),
    record("a-1", { usagePointId: "a-1" }),
  );
  const snapshots = memorySnapshots(...["m-1", "m-11", "x-1"].map((meterId) => aSnapshot({ meterId })));
  const series = memorySeries({ "m-99": [registerSeries([[1000, 1]])] });
  const app = await injectableApi(apiWorld({ registry, snapshots, series }));
  return async (query: string) => {
    const answer = await app.inject({ url: `/v1/search?${query}`, headers: { host: "localhost" } });
    return answer.statusCode === 200
      ? answer
          .json()
          .items.map(({ kind, meterId, usagePointId }: { kind: string; meterId: string; usagePointId: string }) =>
            kind === "meter" ? meterId : `${usagePointId} (${meterId})`,
          )
      : answer.json().code;
  };
}

test("meters with a record and without are found by the beginning of their id, the exact one first", async () => {
  const found = await search();
  expect(await found("q=m-1")).toEqual(["m-1", "m-10", "m-11"]);
  expect(await found("q=m")).toEqual(["m-1", "m-10", "m-11", "m-2", "m-99"]);
  expect(await found("q=m&limit=2")).toEqual(["m-1", "m-10"]);
  expect(await found("q=%20x-%20")).toEqual(["x-1"]);
  expect(await found("q=zz")).toEqual([]);
});

test("N07: a meter that has neither a record nor a month is found by its whole id and by the beginning of it", async () => {
  const found = await search();
  expect(await found("q=m-99")).toEqual(["m-99"]);
  expect(await found("q=m-9")).toEqual(["m-99"]);
});

test("usage points of another name than their meter's are found, and lead to their meter", async () => {
  const found = await search();
  expect(await found("q=up-m")).toEqual(["up-m-1 (m-1)", "up-m-10 (m-10)", "up-m-2 (m-2)"]);
  expect(await found("q=a")).toEqual(["a-1"]);
});

test("serial numbers are found by their beginning, whatever the case, and by nothing that they no longer are", async () => {
  const found = await search();
  expect(await found("q=nik%202102")).toEqual(["m-10", "m-2"]);
  expect(await found(`q=${encodeURIComponent("NIK 2102/78")}`)).toEqual(["m-2"]);
  expect(await found("q=nik&limit=1")).toEqual(["m-10"]);
  expect(await found("q=2102")).toEqual([]);
});

test("after them come meters whose id or serial number ends so, from three signs on", async () => {
  const found = await search();
  expect(await found("q=102%2F77")).toEqual(["m-10"]);
  expect(await found("q=2%2F77")).toEqual(["m-10"]);
  expect(await found("q=77")).toEqual([]);
  const registry = memoryRegistry(
    ...["a-1731", "1731-b", "c-1731"].map((meterId) => ({ meterId, usagePointId: meterId, registers: [] })),
  );
  const app = await injectableApi(apiWorld({ registry }));
  const items = async (query: string) =>
    (await app.inject(`/v1/search?${query}`)).json().items.map(({ meterId }: { meterId: string }) => meterId);
  expect(await items("q=1731")).toEqual(["1731-b", "a-1731", "c-1731"]);
  expect(await items("q=1731&limit=1")).toEqual(["1731-b"]);
});

test.each(["", "q=", "q=%2F", "q=m&limit=0"])("?%s is refused", async (query) => {
  expect(await (await search())(query)).toBe("request_invalid");
});

test("a serial number is put, answered, exported, and imported from the export", async () => {
  const app = await injectableApi(apiWorld());
  const headers = { "content-type": "application/json" };
  const put = (serialNumber: string) =>
    app.inject({ method: "PUT", url: "/v1/meters/m-1", headers, payload: { serialNumber } });
  const put1 = await put('NIK "2102", 77/ї');
  expect([put1.statusCode, meterSchema.parse(put1.json()).serialNumber]).toEqual([200, 'NIK "2102", 77/ї']);
  const { body } = await app.inject("/v1/meters?format=csv");
  const other = await injectableApi(apiWorld());
  const csv = { "content-type": "text/csv" };
  const imported = await other.inject({ method: "POST", url: "/v1/meters:import", headers: csv, payload: body });
  expect(imported.json()).toMatchObject({ stored: 1, refused: 0 });
  expect((await other.inject("/v1/meters/m-1")).json().serialNumber).toBe('NIK "2102", 77/ї');
  for (const wrong of ["", " x", "x ", "=1+1", "a\u0001b", "x".repeat(65)])
    expect([wrong, (await put(wrong)).statusCode]).toEqual([wrong, 400]);
});
