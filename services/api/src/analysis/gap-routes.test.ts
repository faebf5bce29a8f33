import type { Gap } from "@meterbook/core/domain/gap/meter-gaps";
import type { ReadingSeries } from "@meterbook/core/domain/reading/reading";
import type { MeterRecord } from "@meterbook/core/domain/registry/meter-record";
import { expect, test } from "vitest";
import { instant, intervalSeries } from "../../../../test/support/readings.ts";
import { apiWorld, injectableApi } from "../../../../test/support/worlds/api-world.ts";
import { memoryGapLog, memoryRegistry, memorySeries } from "../../../../test/support/worlds/memory-ports.ts";
import { fleetGapSchema } from "./fleet-gap-routes.ts";
import { gapSchema } from "./gap-routes.ts";

const october = { from: instant("2026-09-30T21:00:00Z"), to: instant("2026-10-31T22:00:00Z") };
const hour = 3600;

/** Hourly intervals of October and the first ten days of November, without those that end at one of `left`. */
function hours(...left: readonly string[]): ReadingSeries {
  const gone = new Set(left.map(instant));
  const end = instant("2026-11-10T12:00:00Z");
  const all = Array.from({ length: (end - october.from) / hour }, (_, i) => october.from + (i + 1) * hour);
  return intervalSeries(
    all.filter((at) => !gone.has(at)).map((at) => [at, 10]),
    hour,
  );
}

async function api(series: readonly ReadingSeries[], record?: Partial<MeterRecord>) {
  const records = record === undefined ? [] : [{ meterId: "m-1", usagePointId: "up-1", registers: [], ...record }];
  const world = apiWorld({ series: memorySeries({ "m-1": series }), registry: memoryRegistry(...records) });
  const app = await injectableApi(world);
  return async (query: string, accept = "application/json") =>
    app.inject({ url: `/v1/meters/m-1/gaps${query}`, headers: { accept } });
}

test("what is missing of the months that matter, without being told from when to when", async () => {
  const get = await api([hours("2026-10-25T01:00:00Z", "2026-10-25T02:00:00Z", "2026-11-02T05:00:00Z")]);
  const { items } = (await get("")).json();
  const unknown = { since: null, asked: null, answered: null, inOutage: false };
  const channel = { meterId: "m-1", register: "1.8.0", kind: "interval", stepSeconds: 3600, unit: "Wh" };
  expect(items.map((item: unknown) => gapSchema.parse(item))).toEqual([
    { ...channel, from: "2026-10-25T00:00:00Z", to: "2026-10-25T02:00:00Z", missing: 2, goesOn: false, ...unknown },
    { ...channel, from: "2026-11-02T04:00:00Z", to: "2026-11-02T05:00:00Z", missing: 1, goesOn: false, ...unknown },
  ]);
});

test("only the range that is asked for, and no gap where all is there", async () => {
  const get = await api([hours("2026-10-25T01:00:00Z")]);
  const items = async (query: string) => (await get(query)).json().items.length;
  expect(await items("?from=2026-10-25T00:00:00Z&to=2026-10-25T01:00:00Z")).toBe(1);
  expect(await items("?from=2026-10-25T01:00:00Z&to=2026-10-26T00:00:00Z")).toBe(0);
  expect(await items("?from=2027-01-01T00:00:00Z&to=2027-01-02T00:00:00Z")).toBe(0);
});

test("pages, NDJSON and CSV hold the same", async () => {
  const get = await api([hours("2026-10-20T05:00:00Z", "2026-10-21T05:00:00Z", "2026-10-22T05:00:00Z")]);
  const first = (await get("?limit=2")).json();
  const second = (await get(`?limit=2&cursor=${first.nextCursor}`)).json();
  expect([first.items.length, second.items.length, second.nextCursor]).toEqual([2, 1, undefined]);
  const lines = (await get("", "application/x-ndjson")).body.trim().split("\n");
  expect(lines.map((line) => JSON.parse(line))).toEqual([...first.items, ...second.items]);
  const rows = (await get("", "text/csv")).body.trim().split("\n");
  expect(rows[1]).toBe("m-1,1.8.0,interval,3600,Wh,2026-10-20T04:00:00Z,2026-10-20T05:00:00Z,1,false,,,,,false");
});

test("a meter that is installed and has never reported", async () => {
  const get = await api([], {
    registers: [{ register: "1.8.0", unit: "Wh" }],
    stepSeconds: 900,
    installed: { at: instant("2026-11-09T12:00:00Z"), values: {} },
  });
  expect((await get("")).json().items).toMatchObject([
    { kind: "register", from: "2026-11-09T12:00:00Z", to: "2026-11-10T11:45:00Z", missing: 95, goesOn: true },
  ]);
});

test.for([
  ["?from=2026-10-02T00:00:00Z&to=2026-10-01T00:00:00Z", 400, "request_invalid", "to: must be after from"],
  ["?from=2024-10-02T00:00:00Z&to=2026-10-01T00:00:00Z", 400, "range_too_long", "from, to: 729 days"],
  ["?from=yesterday", 400, "request_invalid", "from"],
] as const)("%s is refused", async ([query, status, code, detail]) => {
  const answer = await (await api([hours()]))(query);
  expect([answer.statusCode, answer.json().code]).toEqual([status, code]);
  expect(answer.json().detail).toContain(detail);
});

test("what is known of a gap is told with it, and what was answered too", async () => {
  const kept = (from: string, to: string, story: Partial<Gap>): Gap => ({
    ...{ register: "1.8.0", kind: "interval", unit: "Wh", stepSeconds: hour },
    ...{ from: instant(from), to: instant(to), missing: 1, goesOn: false },
    ...{ sinceMs: instant("2026-10-25T03:00:00Z") * 1000, asked: null, answeredAtMs: null },
    ...story,
  });
  const asked = { times: 2, atMs: instant("2026-10-25T04:00:00Z") * 1000 };
  const answeredAtMs = instant("2026-10-26T04:00:00Z") * 1000;
  const world = apiWorld({
    series: memorySeries({ "m-1": [hours("2026-10-25T01:00:00Z")] }),
    gaps: memoryGapLog({
      ...{ meterId: "m-1", usagePointId: "up-1", zone: "Europe/Kyiv", asking: null },
      sequence: { gaps: 1, missing: 3, after: 41, next: 45, atMs: answeredAtMs },
      gaps: [
        kept("2026-10-24T20:00:00Z", "2026-10-24T21:00:00Z", { answeredAtMs }),
        kept("2026-10-25T00:00:00Z", "2026-10-25T03:00:00Z", { asked }),
      ],
    }),
  });
  const app = await injectableApi(world);
  const { items, reports } = (await app.inject("/v1/meters/m-1/gaps")).json();
  expect(reports).toEqual({ gaps: 1, missing: 3, after: 41, next: 45, at: "2026-10-26T04:00:00Z" });
  expect(items).toMatchObject([
    { from: "2026-10-24T20:00:00Z", asked: null, answered: "2026-10-26T04:00:00Z" },
    {
      from: "2026-10-25T00:00:00Z",
      to: "2026-10-25T01:00:00Z",
      since: "2026-10-25T03:00:00Z",
      asked: { times: 2, at: "2026-10-25T04:00:00Z" },
      answered: null,
    },
  ]);
  const fleet = (await app.inject("/v1/gaps?period=2026-10")).json();
  expect(fleet.items.map((item: unknown) => fleetGapSchema.parse(item))).toMatchObject([
    { meterId: "m-1", usagePointId: "up-1", from: "2026-10-25T00:00:00Z", atClose: false },
  ]);
});

test("of the fleet: those around the month's end first, in pages, and the month that closes next where none is named", async () => {
  const gap = (from: string, to: string): Gap => ({
    ...{ register: "1.8.0", kind: "interval", unit: "Wh", stepSeconds: hour },
    ...{ from: instant(from), to: instant(to), missing: 1, goesOn: false },
    ...{ sinceMs: 0, asked: null, answeredAtMs: null },
  });
  const of = (meterId: string, ...gaps: readonly Gap[]) => ({
    ...{ meterId, usagePointId: meterId, zone: "Europe/Kyiv", asking: null, sequence: null },
    gaps,
  });
  const gaps = memoryGapLog(
    of("m-1", gap("2026-11-09T01:00:00Z", "2026-11-09T02:00:00Z"), gap("2026-10-09T01:00:00Z", "2026-10-09T02:00:00Z")),
    of("m-2", gap("2026-10-31T21:00:00Z", "2026-10-31T22:00:00Z"), gap("2026-10-30T21:00:00Z", "2026-10-30T22:00:00Z")),
  );
  const app = await injectableApi(apiWorld({ gaps }));
  const get = async (query: string) => (await app.inject(`/v1/gaps${query}`)).json();
  const first = await get("?period=2026-10&limit=2");
  const rest = await get(`?period=2026-10&limit=2&cursor=${first.nextCursor}`);
  expect([...first.items, ...rest.items].map(({ to, atClose }) => [to, atClose])).toEqual([
    ["2026-10-31T22:00:00Z", true],
    ["2026-10-30T22:00:00Z", false],
    ["2026-10-09T02:00:00Z", false],
  ]);
  expect((await get("")).items).toMatchObject([{ meterId: "m-1", from: "2026-11-09T01:00:00Z" }]);
});
