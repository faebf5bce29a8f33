import type { ReadingSeries } from "@meterbook/core/domain/reading/reading";
import { readingCode } from "@meterbook/core/domain/reading/reading";
import { voidContent, withoutReadings } from "@meterbook/core/domain/snapshot/snapshot";
import { expect, test } from "vitest";
import { instant, intervalSeries, registerSeries } from "../../../../test/support/readings.ts";
import { apiWorld, aSnapshot, injectableApi } from "../../../../test/support/worlds/api-world.ts";
import {
  type MemorySeries,
  memoryRegistry,
  memorySeries,
  memorySnapshots,
} from "../../../../test/support/worlds/memory-ports.ts";
import { conflictSchema } from "./conflict-json.ts";
import { curveSchema } from "./curves/curve-routes.ts";
import { readingSchema } from "./reading-routes.ts";

const october = { from: "2026-09-30T21:00:00Z", to: "2026-10-31T22:00:00Z" };
const [start, end] = [instant(october.from), instant(october.to)];

function every(stepSeconds: number, from: number, to: number): number[] {
  return Array.from({ length: Math.floor((to - from) / stepSeconds) + 1 }, (_, i) => from + i * stepSeconds);
}

const quarterHours = registerSeries(every(900, start, end).map((at, i) => [at, 1000 + i * 10]));
const loadProfile = intervalSeries(
  every(900, start + 900, end).map((at) => [at, 10]),
  900,
);

function holding(...series: readonly ReadingSeries[]): MemorySeries {
  return memorySeries({ "m-1": series });
}

async function api(series: MemorySeries, multiplier = 1) {
  const record = {
    meterId: "m-1",
    usagePointId: "up-1",
    registers: [{ register: "1.8.0", unit: "Wh" as const, multiplier }],
  };
  const app = await injectableApi(apiWorld({ series, registry: memoryRegistry(record) }));
  return async (path: string, accept = "application/json") =>
    app.inject({ url: `/v1/meters/m-1/${path}`, headers: { accept } });
}

test.for([
  { resolution: "native", points: 2980 },
  { resolution: "PT15M", points: 2980 },
  { resolution: "PT30M", points: 1490 },
  { resolution: "PT1H", points: 745 },
  { resolution: "P1D", points: 31 },
  { resolution: "P1M", points: 1 },
])(
  "a month with a 25-hour day is $points points of $resolution, from registers and from intervals",
  async ({ resolution, points }) => {
    const get = await api(holding(quarterHours, loadProfile));
    for (const kind of ["register", "interval"]) {
      const answer = await get(
        `curve?register=1.8.0&from=${october.from}&to=${october.to}&resolution=${resolution}&kind=${kind}`,
      );
      const curve = curveSchema.parse(answer.json());
      expect(curve).toMatchObject({
        meterId: "m-1",
        register: "1.8.0",
        unit: "Wh",
        kind,
        resolution,
        zone: "Europe/Kyiv",
      });
      expect(curve.items).toHaveLength(points);
      expect(curve.items.reduce((sum, { consumption }) => sum + (consumption ?? Number.NaN), 0)).toBe(29_800);
      expect([curve.items[0]?.from, curve.items.at(-1)?.to]).toEqual([october.from, october.to]);
    }
  },
);

test("intervals are taken where there are both, and the multiplier applies", async () => {
  const get = await api(holding(quarterHours, loadProfile), 40);
  const curve = (await get(`curve?register=1-0:1.8.0&from=${october.from}&to=${october.to}&resolution=P1M`)).json();
  expect([curve.kind, curve.items[0].consumption]).toEqual(["interval", 40 * 29_800]);
});

test("a curve over several months is the same as its months", async () => {
  const rows = every(3600, instant("2026-01-01T00:00:00Z"), instant("2026-07-01T00:00:00Z")).map(
    (at, i) => [at, i * i] as const,
  );
  const get = await api(holding(registerSeries(rows), intervalSeries(rows, 3600)));
  const points = async (kind: string, resolution: string, from: string, to: string) =>
    (await get(`curve?register=1.8.0&from=${from}&to=${to}&resolution=${resolution}&kind=${kind}`)).json().items;
  for (const kind of ["register", "interval"]) {
    for (const resolution of ["native", "PT1H", "P1D"]) {
      const whole = await points(kind, resolution, "2026-01-31T22:00:00Z", "2026-03-31T21:00:00Z");
      const parts = [
        ...(await points(kind, resolution, "2026-01-31T22:00:00Z", "2026-02-28T22:00:00Z")),
        ...(await points(kind, resolution, "2026-02-28T22:00:00Z", "2026-03-31T21:00:00Z")),
      ];
      expect(whole).toEqual(parts);
      expect(whole.every(({ consumption }: { consumption: number | null }) => consumption !== null)).toBe(true);
    }
  }
});

test("missing is null and never 0, in JSON and in CSV", async () => {
  const holes = intervalSeries(
    [
      [start + 900, 10],
      [start + 2700, 10],
      [start + 3600, 10],
    ],
    900,
  );
  const get = await api(holding(holes));
  const url = `curve?register=1.8.0&from=${october.from}&to=2026-09-30T23:00:00Z&resolution=PT1H`;
  expect((await get(url)).json().items).toEqual([
    {
      from: "2026-09-30T21:00:00Z",
      to: "2026-09-30T22:00:00Z",
      consumption: null,
      quality: "incomplete",
      present: 3,
      expected: 4,
    },
    { from: "2026-09-30T22:00:00Z", to: "2026-09-30T23:00:00Z", consumption: null, quality: "missing" },
  ]);
  expect((await get(url, "text/csv")).body).toBe(
    "meter_id,register,unit,from,to,consumption,quality,present,expected,snapshot\n" +
      "m-1,1.8.0,Wh,2026-09-30T21:00:00Z,2026-09-30T22:00:00Z,,incomplete,3,4,\n" +
      "m-1,1.8.0,Wh,2026-09-30T22:00:00Z,2026-09-30T23:00:00Z,,missing,,,\n",
  );
  expect((await get(url, "application/x-ndjson")).body.split("\n")).toHaveLength(3);
});

test.for([
  {
    query: `register=2.8.0&from=${october.from}&to=${october.to}`,
    status: 404,
    code: "register_unknown",
    detail: "it reports 1.8.0",
  },
  {
    query: `register=1.8.0&from=${october.from}&to=${october.to}&kind=interval`,
    status: 404,
    code: "register_unknown",
    detail: "no interval channel",
  },
  {
    query: "register=1.8.0&from=2024-01-01T00:00:00Z&to=2026-10-01T00:00:00Z",
    status: 400,
    code: "range_too_long",
    detail: "800 days",
  },
  {
    query: "register=1.8.0&from=2000-01-01T00:00:00Z&to=2026-10-01T00:00:00Z&resolution=P1D",
    status: 400,
    code: "range_too_long",
    detail: "4000 days",
  },
  {
    query: `register=1.8.0&from=${october.to}&to=${october.from}`,
    status: 400,
    code: "request_invalid",
    detail: "to: must be after from",
  },
  {
    query: "register=1.8.0&from=2026-10-01T00:00:00+02:00&to=2026-10-02T00:00:00Z",
    status: 400,
    code: "request_invalid",
    detail: "from: an RFC 3339 instant with an offset",
  },
])("curve?$query is $code", async ({ query, status, code, detail }) => {
  const get = await api(holding(quarterHours));
  const answer = (await get(`curve?${query}`)).json();
  expect(answer).toMatchObject({ status, code });
  expect(answer.detail).toContain(detail);
});

test("readings come by instant and channel, in pages without loss, whatever lies between them", async () => {
  const sparse = registerSeries(
    [
      [start - 86_400 * 700, 1],
      [start - 40, 2],
      [start, 3],
    ],
    "2.8.0",
  );
  const series = holding(quarterHours, sparse, loadProfile);
  const get = await api(series);
  const seen: { at: string; register: string; kind: string }[] = [];
  for (let cursor: string | undefined = ""; cursor !== undefined; ) {
    const page: { items: unknown[]; nextCursor?: string } = (
      await get(`readings?limit=1000${cursor === "" ? "" : `&cursor=${cursor}`}`)
    ).json();
    seen.push(...page.items.map((item) => readingSchema.parse(item)));
    cursor = page.nextCursor;
  }
  expect(seen).toHaveLength(2981 + 3 + 2980);
  expect(seen[0]).toEqual({
    at: "2024-10-30T21:00:00Z",
    id: "m-1/2.8.0/register/0/2024-10-30T21:00:00Z/1",
    register: "2.8.0",
    kind: "register",
    value: 1,
    unit: "Wh",
    quality: "actual",
    origin: "remote",
  });
  expect(seen.at(-1)).toMatchObject({ at: october.to, register: "1.8.0", kind: "interval", stepSeconds: 900 });
  const keys = seen.map(({ at, register, kind }) => `${at} ${register} ${kind}`);
  expect(new Set(keys).size).toBe(keys.length);
  expect(seen.map(({ at }) => at)).toEqual(seen.map(({ at }) => at).sort());
  const lines = (await get("readings", "application/x-ndjson")).body
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));
  expect(lines).toEqual(seen);
  expect((await get("readings", "text/csv")).body.split("\n")).toHaveLength(seen.length + 2);
});

test("a range of readings holds its start and not its end", async () => {
  const get = await api(
    holding(
      registerSeries([
        [start, 1],
        [start + 60, 2],
        [start + 120, 3],
      ]),
    ),
  );
  const at = async (query: string) =>
    (await get(`readings?${query}`)).json().items.map(({ value }: { value: number }) => value);
  expect(await at("from=2026-09-30T21:00:00Z&to=2026-09-30T21:02:00Z")).toEqual([1, 2]);
  expect(await at("from=2026-10-01T00:00:00.5%2B03:00&to=2026-10-01T00:02:00.001%2B03:00")).toEqual([2, 3]);
  expect(await at("register=1-0:1.8.0")).toEqual([1, 2, 3]);
  expect((await get("readings?register=9.9.9")).json().code).toBe("register_unknown");
  expect((await get("readings?from=2026-10-01T00:00:00Z&to=2026-09-01T00:00:00Z")).json().code).toBe("request_invalid");
});

test("a long and dense history is read a window at a time", async () => {
  const series = holding(registerSeries(every(60, start - 86_400 * 60, start).map((at, i) => [at, i])));
  const get = await api(series);
  expect((await get("readings", "text/csv")).body.split("\n")).toHaveLength(60 * 1440 + 3);
  const windows = series.reads.map(({ from, to }) => to - from);
  expect(Math.max(...windows)).toBeLessThan(6 * 86_400);
  series.reads.length = 0;
  await get("readings?limit=10");
  expect(series.reads).toHaveLength(1);
});

test("conflicts show both sides", async () => {
  const channel = { register: "1.8.0", kind: "register", unit: "Wh", stepSeconds: 0 } as const;
  const conflicts = [1, 2, 3].map((id) => ({
    id,
    meterId: "m-1",
    channel,
    at: start,
    kept: { at: start, value: 100, code: readingCode("actual", "inspector") },
    refused: { at: start, value: 101, code: readingCode("estimated", "remote") },
    receivedAtMs: (start + 60) * 1000 + 5,
  }));
  const get = await api(memorySeries({ "m-1": [quarterHours] }, conflicts));
  const page = (await get("conflicts?limit=2")).json();
  expect(conflictSchema.parse(page.items[0])).toEqual({
    id: 1,
    meterId: "m-1",
    register: "1.8.0",
    kind: "register",
    unit: "Wh",
    at: october.from,
    kept: { value: 100, quality: "actual", origin: "inspector" },
    refused: { value: 101, quality: "estimated", origin: "remote" },
    receivedAt: "2026-09-30T21:01:00.005Z",
  });
  expect((await get(`conflicts?cursor=${page.nextCursor}`)).json().items.map(({ id }: { id: number }) => id)).toEqual([
    3,
  ]);
  expect((await get("conflicts", "text/csv")).body.split("\n")[3]).toBe(
    "3,m-1,1.8.0,register,,Wh,2026-09-30T21:00:00Z,100,actual,inspector,101,estimated,remote,2026-09-30T21:01:00.005Z,0,0",
  );
});

test("a meter that nobody knows is unknown everywhere, one that never reported has nothing", async () => {
  const app = await injectableApi(
    apiWorld({ registry: memoryRegistry({ meterId: "m-1", usagePointId: "up-1", registers: [] }) }),
  );
  for (const path of ["readings", "conflicts", `curve?register=1.8.0&from=${october.from}&to=${october.to}`]) {
    expect((await app.inject(`/v1/meters/m-9/${path}`)).json().code).toBe("meter_unknown");
  }
  expect((await app.inject("/v1/meters/m-1/readings")).json()).toEqual({ items: [] });
  expect((await app.inject("/v1/meters/m-1/conflicts")).json()).toEqual({ items: [] });
  expect(
    (await app.inject(`/v1/meters/m-1/curve?register=1.8.0&from=${october.from}&to=${october.to}`)).json().detail,
  ).toContain("nothing yet");
});

test("C13: a register that was counted in two units has a curve in each", async () => {
  const gas = (unit: "L" | "Wh", from: number, rows: readonly number[]): ReadingSeries => ({
    channel: { register: "7-0:3.0.0", kind: "interval", unit, stepSeconds: 3600 },
    at: rows.map((_, i) => from + (i + 1) * 3600),
    value: [...rows],
    code: rows.map(() => 0),
  });
  const get = await api(holding(gas("Wh", start + 7200, [10_000, 20_000]), gas("L", start, [1000, 2000])));
  const asked = `curve?register=7-0:3.0.0&from=${october.from}&to=2026-10-01T01:00:00Z`;
  const amounts = (await Promise.all(["&unit=L", "&unit=Wh", ""].map((unit) => get(asked + unit)))).map((answer) => {
    const { unit, items } = curveSchema.parse(answer.json());
    return [unit, items.flatMap(({ consumption }) => consumption ?? [])];
  });
  expect(amounts).toEqual([
    ["L", [1000, 2000]],
    ["Wh", [10_000, 20_000]],
    ["L", [1000, 2000]],
  ]);
  const none = await get(`${asked}&unit=varh`);
  expect([none.statusCode, none.json().code]).toEqual([404, "register_unknown"]);
  expect(none.json().detail).toContain("in Wh, L, not in varh");
});

test("C07: a part of a month has the intervals that the month's sum counts", async () => {
  const everyQuarter = every(900, start + 3600, instant("2026-10-05T21:00:00Z")).map((at) => [at, 8] as const);
  const get = await api(holding(intervalSeries([[start + 1800, 4], ...everyQuarter.slice(2)], 3600)));
  const day = async (from: string, to: string) =>
    (await get(`curve?register=1.8.0&from=${from}&to=${to}&resolution=PT1H`)).json().items;
  const whole = await day("2026-09-30T21:00:00Z", "2026-10-02T21:00:00Z");
  const parts = [
    ...(await day("2026-09-30T21:00:00Z", "2026-10-01T21:00:00Z")),
    ...(await day("2026-10-01T21:00:00Z", "2026-10-02T21:00:00Z")),
  ];
  expect(whole).toEqual(parts);
});

test("N06: a month that was issued says what its snapshot does, and by which revision; others what the readings give", async () => {
  const row = { ...withoutReadings("1.8.0", "Wh"), value: 2_000_000, consumption: 777, quality: "estimated" } as const;
  const snapshot = aSnapshot({ registers: [row, { ...row, consumption: 223, quality: "actual" }] });
  const app = await injectableApi(
    apiWorld({ series: holding(quarterHours, loadProfile), snapshots: memorySnapshots(snapshot) }),
  );
  const months = async (query: string) => {
    const url = `/v1/meters/m-1/curve?register=1.8.0&resolution=P1M&from=${october.from}&to=2026-11-05T00:00:00Z${query}`;
    return curveSchema.parse((await app.inject({ url })).json()).items;
  };
  const [issued, open] = await months("");
  expect(issued).toEqual({
    from: october.from,
    to: october.to,
    consumption: 1000,
    quality: "estimated",
    snapshot: `m-1/2026-10/${snapshot.revision}`,
  });
  expect(open).toMatchObject({ consumption: null, quality: "missing" });
  expect(open).not.toHaveProperty("snapshot");
  for (const kind of ["register", "interval"]) {
    const [computed] = await months(`&kind=${kind}`);
    expect(computed).toMatchObject({ consumption: 29_800 });
  }
  const taken = await injectableApi(
    apiWorld({ series: holding(quarterHours), snapshots: memorySnapshots({ ...snapshot, ...voidContent(snapshot) }) }),
  );
  const url = `/v1/meters/m-1/curve?register=1.8.0&resolution=P1M&from=${october.from}&to=${october.to}`;
  expect((await taken.inject({ url })).json().items).toMatchObject([{ consumption: null, quality: "missing" }]);
});
