import type { ReadingSeries } from "@meterbook/core/domain/reading/reading";
import { readingCode } from "@meterbook/core/domain/reading/reading";
import type { MeterRecord } from "@meterbook/core/domain/registry/meter-record";
import type { UsagePointRecord } from "@meterbook/core/domain/registry/usage-point";
import { AdapterError } from "@meterbook/core/ports/adapter-error";
import { expect, test, vi } from "vitest";
import { instant, intervalSeries, registerSeries } from "../../../../../test/support/readings.ts";
import { apiWorld, injectableApi } from "../../../../../test/support/worlds/api-world.ts";
import { memoryRegistry, memorySeries } from "../../../../../test/support/worlds/memory-ports.ts";

const day = 86_400;
const first = instant("2026-10-01T00:00:00Z");

interface Known {
  readonly series: readonly ReadingSeries[];
  readonly record?: Partial<MeterRecord>;
  /** What is said of the usage point where the meter is. */
  readonly point?: Omit<UsagePointRecord, "usagePointId">;
}

/** Consumption and quality of each step of the curve, in UTC. */
async function curveOf({ series, record = {}, point }: Known, query: string) {
  const own = { meterId: "m-1", usagePointId: "m-1", zone: "UTC", registers: [], ...record };
  const memory = memorySeries({ "m-1": series });
  const registry = memoryRegistry(own);
  const usagePoint = { usagePointId: "m-1", ...point };
  if (point !== undefined) await registry.apply([{ writes: [{ base: null, usagePoint }], by: "", reason: "" }]);
  const world = apiWorld({ registry, series: memory });
  const app = await injectableApi(world);
  const steps = async (more = "") => {
    const answer = await app.inject(`/v1/meters/m-1/curve?register=1.8.0&${query}${more}`);
    return answer
      .json()
      .items.map(({ consumption, quality }: { consumption: number | null; quality: string }) =>
        quality === "actual" ? consumption : `${consumption} ${quality}`,
      );
  };
  return { memory, steps };
}

/** A reading each `seconds`, 100 more each time, but for those that are said to show something else. */
function counted(count: number, seconds: number, shows: Readonly<Record<number, number>> = {}): ReadingSeries {
  return registerSeries(Array.from({ length: count }, (_, i) => [first + i * seconds, shows[i] ?? 10_000 + i * 100]));
}

const days = (from: string, to: string) => `from=2026-10-${from}T00:00:00Z&to=2026-10-${to}T00:00:00Z`;

test("a doubted reading leaves both of its steps without an amount, and a longer step as it is", async () => {
  const series = [counted(31, day, { 10: 90_000 })];
  const { steps } = await curveOf({ series }, `${days("09", "14")}&kind=register`);
  expect(await steps("&resolution=P1D")).toEqual([100, "null suspect", "null suspect", 100, 100]);
  expect(await steps("&resolution=native")).toEqual([100, "null suspect", "null suspect", 100, 100]);
  const hourly = [counted(73, 3600, { 30: 7 })];
  const hours = await curveOf({ series: hourly }, `${days("02", "03")}&kind=register`);
  expect(await hours.steps("&resolution=P1D")).toEqual([2400]);
  expect((await hours.steps("&resolution=PT1H")).slice(4, 8)).toEqual([100, "null suspect", "null suspect", 100]);
});

test("a reading at the end of a range is doubted for what follows behind it, and one at the start for what was before", async () => {
  const series = [counted(31, day, { 10: 90_000 })];
  const ends = await curveOf({ series }, days("09", "11"));
  expect(await ends.steps("&resolution=P1D")).toEqual([100, "null suspect"]);
  const starts = await curveOf({ series }, days("11", "13"));
  expect(await starts.steps("&resolution=P1D")).toEqual(["null suspect", 100]);
});

test("a counter that wraps goes on, and what nothing explains is suspect until both sides are behind it", async () => {
  const wraps = { 0: 999_800, 1: 999_900, 2: 0, 3: 100, 4: 200, 5: 300, 6: 400, 7: 500 };
  const registers = [{ register: "1.8.0", unit: "Wh" as const, digits: 3 }];
  const wrapped = await curveOf({ series: [counted(8, day, wraps)], record: { registers } }, days("01", "05"));
  expect(await wrapped.steps("&resolution=P1D")).toEqual([100, 100, 100, 100]);
  const fell = Object.fromEntries(Array.from({ length: 10 }, (_, i) => [i + 10, i * 100 + 50]));
  const step = await curveOf({ series: [counted(20, day, fell)] }, days("09", "13"));
  expect(await step.steps("&resolution=P1D")).toEqual([100, "null suspect", 100, 100]);
});

test("what the meter itself doubts has no amount, and nothing is missing where it came", async () => {
  const series = counted(10, day);
  const code = series.code.map((_, i) => (i === 4 ? readingCode("suspect", "remote") : 0));
  const { steps } = await curveOf({ series: [{ ...series, code }] }, days("03", "08"));
  expect(await steps("&resolution=P1D")).toEqual([100, "null suspect", "null suspect", 100, 100]);
  const gone = await curveOf({ series: [counted(5, day)] }, days("04", "08"));
  expect(await gone.steps("&resolution=P1D")).toEqual([100, "null missing", "null missing", "null missing"]);
});

test("an interval that the connection cannot have carried is suspect", async () => {
  const rows = Array.from({ length: 48 }, (_, i) => [first + (i + 1) * 3600, i === 20 ? 900_000 : 500] as const);
  const series = [intervalSeries(rows, 3600)];
  const { steps } = await curveOf({ series, record: { connectionPowerW: 10_000 } }, days("01", "02"));
  const hours = await steps("&resolution=PT1H");
  expect(hours.slice(19, 22)).toEqual([500, "null suspect", 500]);
  expect(await steps("&resolution=P1D")).toEqual(["null suspect"]);
  expect((await (await curveOf({ series }, days("01", "02"))).steps("&resolution=PT1H"))[20]).toBe(900_000);
});

test("what the usage point says of power and supply is what the curve is judged by, as a bill is", async () => {
  const rows = (spike: number) =>
    intervalSeries(
      Array.from({ length: 48 }, (_, i) => [first + (i + 1) * 3600, i === 20 ? spike : 500] as const),
      3600,
    );
  const hours = async (spike: number, known: Omit<Known, "series">) => {
    const { steps } = await curveOf({ series: [rows(spike)], ...known }, days("01", "02"));
    return (await steps("&resolution=PT1H")).slice(19, 22);
  };
  const raised = {
    record: { connectionPowerW: 5_000 },
    point: { connectionPowerW: [{ validFrom: 0, value: 50_000 }] },
  };
  expect(await hours(30_000, raised)).toEqual([500, 30_000, 500]);
  const onlyThere = { point: { connectionPowerW: [{ validFrom: 0, value: 10_000 }] } };
  expect(await hours(900_000, onlyThere)).toEqual([500, "null suspect", 500]);
  const later = [
    { validFrom: 0, value: 1_000_000 },
    { validFrom: first + day, value: 10_000 },
  ];
  expect(await hours(900_000, { point: { connectionPowerW: later } })).toEqual([500, 900_000, 500]);
  const gone = [
    { validFrom: 0, value: "connected" as const },
    { validFrom: first + 20 * 3600, value: "dead" as const },
  ];
  expect(await hours(400, { point: { status: gone } })).toEqual([500, "null suspect", "null suspect"]);
  const read = counted(48, 3600, Object.fromEntries(Array.from({ length: 28 }, (_, i) => [i + 20, 930_000 + i * 100])));
  const steps = async (power: number) => {
    const point = { connectionPowerW: [{ validFrom: 0, value: power }] };
    const curve = await curveOf({ series: [read], record: { connectionPowerW: 5_000 }, point }, days("01", "02"));
    return (await curve.steps("&resolution=PT1H"))[19];
  };
  expect([await steps(2_000_000), await steps(10_000)]).toEqual([918_100, "null suspect"]);
});

test("what a meter was installed with is no reason to read a month again, and its first step is still known", async () => {
  const installed = { at: first - 300 * day, values: { "1.8.0": 2_000 } };
  const series = [counted(31 * 24, 3600)];
  const { memory, steps } = await curveOf({ series, record: { installed } }, `${days("10", "12")}&kind=register`);
  const read = vi.spyOn(memory, "read");
  expect(await steps("&resolution=P1D")).toEqual([2400, 2400]);
  expect(read).toHaveBeenCalledTimes(1);
  const leapt = { ...installed, values: { "1.8.0": 1_000_000 } };
  const other = await curveOf({ series, record: { installed: leapt } }, `${days("10", "12")}&kind=register`);
  const readOther = vi.spyOn(other.memory, "read");
  await other.steps("&resolution=P1D");
  expect(readOther).toHaveBeenCalledTimes(2);
  const [from9, value] = [first + 9 * day, 10_000 + 9 * 24 * 100];
  const since = Array.from({ length: 22 * 24 }, (_, i) => [from9 + i * 3600, value + i * 100] as const);
  const before = { at: from9 - 3600, values: { "1.8.0": value - 600 } };
  const began = await curveOf({ series: [registerSeries(since)], record: { installed: before } }, days("09", "10"));
  expect((await began.steps("&resolution=PT1H"))[23]).toBe(600);
});

test("what is damaged beside the range keeps nobody from seeing it", async () => {
  const { memory, steps } = await curveOf({ series: [counted(31, day)] }, days("10", "12"));
  const { read } = memory;
  memory.read = async (meterId, range) => {
    if (range.from <= instant("2026-10-09T00:00:00Z"))
      throw new AdapterError("store_damaged", { retryable: false, detail: "a day before" });
    return read(meterId, range);
  };
  expect(await steps("&resolution=P1D")).toEqual([100, 100]);
});
