// Goal: several curves in one table are the curves that each meter's own call gives.
import { expect, test } from "vitest";
import { instant, registerSeries } from "../../../../../test/support/readings.ts";
import { apiWorld, injectableApi } from "../../../../../test/support/worlds/api-world.ts";
import { memorySeries } from "../../../../../test/support/worlds/memory-ports.ts";

const from = "2026-09-30T21:00:00Z";
const to = "2026-10-03T21:00:00Z";

function hourly(first: number, register = "1.8.0") {
  const start = instant("2026-08-31T21:00:00Z");
  const readings = Array.from({ length: 24 * 40 }, (_, i): [number, number] => [start + i * 3600, first + i * i]);
  return registerSeries(readings, register);
}

async function api() {
  const series = memorySeries({ "m-1": [hourly(100), hourly(5, "2.8.0")], "m-2": [hourly(7000)] });
  const app = await injectableApi(apiWorld({ series }));
  return async (url: string) => {
    const answer = await app.inject(url);
    return { status: answer.statusCode, text: answer.body, json: () => answer.json() };
  };
}

test("the rows are those of each meter's own curve, one below the other", async () => {
  const get = await api();
  const range = `from=${from}&to=${to}&resolution=PT1H`;
  const both = await get(`/v1/curves?series=m-1/1.8.0,m-1/2.8.0,m-2/1.8.0&${range}&format=csv`);
  const own = await Promise.all(
    ["m-1/curve?register=1.8.0", "m-1/curve?register=2.8.0", "m-2/curve?register=1.8.0"].map(
      async (path) => (await get(`/v1/meters/${path}&${range}&format=csv`)).text,
    ),
  );
  const [header = ""] = own[0]?.split("\n") ?? [];
  expect(both.text).toBe(`${header}\n${own.map((text) => text.slice(header.length + 1)).join("")}`);
  expect(both.text.split("\n")).toHaveLength(1 + 3 * 72 + 1);
});

test("a series may have a range of its own, and the JSON says whose step each is", async () => {
  const get = await api();
  const earlier = "m-1/1.8.0/2026-08-31T21:00:00Z/2026-09-02T21:00:00Z";
  const { items, resolution } = (
    await get(`/v1/curves?series=m-2/1.8.0,${earlier}&from=${from}&to=${to}&resolution=P1D`)
  ).json();
  expect(resolution).toBe("P1D");
  expect(items.map((item: { meterId: string; from: string }) => `${item.meterId} ${item.from}`)).toEqual([
    "m-2 2026-09-30T21:00:00Z",
    "m-2 2026-10-01T21:00:00Z",
    "m-2 2026-10-02T21:00:00Z",
    "m-1 2026-08-31T21:00:00Z",
    "m-1 2026-09-01T21:00:00Z",
  ]);
  expect(items[0]).toEqual({
    meterId: "m-2",
    register: "1.8.0",
    unit: "Wh",
    from: "2026-09-30T21:00:00Z",
    to: "2026-10-01T21:00:00Z",
    consumption: (720 + 24) ** 2 - 720 ** 2,
    quality: "actual",
  });
});

test.for([
  ["series=m-1", "request_invalid"],
  ["series=m-1/electricity", "request_invalid"],
  ["series=m-1/1.8.0/2026-10-01T00:00:00Z", "request_invalid"],
  [`series=${Array.from({ length: 21 }, () => "m-1/1.8.0").join(",")}`, "request_invalid"],
  ["series=m-1/1.8.0/2026-10-02T00:00:00Z/2026-10-01T00:00:00Z", "request_invalid"],
  ["series=m-1/1.8.0/2020-10-02T00:00:00Z/2026-10-01T00:00:00Z", "range_too_long"],
  ["series=m-1/1.8.0,nobody/1.8.0", "meter_unknown"],
  ["series=m-1/9.8.0", "register_unknown"],
])("%s is refused: %s", async ([query, code]) => {
  const get = await api();
  expect((await get(`/v1/curves?${query}&from=${from}&to=${to}&resolution=PT1H`)).json().code).toBe(code);
});

test("N25: the meter's own steps begin with the first that lies within the range, other steps are answered whole", async () => {
  const get = await api();
  const odd = "from=2026-09-30T21:07:00Z&to=2026-10-01T00:07:00Z";
  const of = async (resolution: string) =>
    (await get(`/v1/meters/m-1/curve?register=1.8.0&${odd}&resolution=${resolution}`))
      .json()
      .items.map((item: { from: string; to: string }) => `${item.from.slice(11, 16)}-${item.to.slice(11, 16)}`);
  expect(await of("native")).toEqual(["22:00-23:00", "23:00-00:00"]);
  expect(await of("PT1H")).toEqual(["21:00-22:00", "22:00-23:00", "23:00-00:00", "00:00-01:00"]);
});
