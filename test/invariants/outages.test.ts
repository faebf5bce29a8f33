// Goal: in an outage no use is estimated, from memory as from the store; one that is told later makes what it touches
// anew, and nothing else; the same log on an empty store gives the same.
import { parsePeriod, type Snapshot } from "@meterbook/core/domain/snapshot/snapshot";
import { localCalendar } from "@meterbook/core/domain/time/local-calendar";
import { expect, onTestFinished, test } from "vitest";
import { intervalSeries, registerSeries } from "../support/readings.ts";
import { type AggregatorWorld, openAggregatorWorld } from "../support/worlds/aggregator-world.ts";

const calendar = localCalendar("Europe/Kyiv");
const day = 86_400;
const [august, september] = [parsePeriod("2026-08") as number, parsePeriod("2026-09") as number];
const end = calendar.boundaryOf(september);
const record = { meterId: "m-1", usagePointId: "m-1", registers: [{ register: "1.8.0", unit: "Wh" as const }] };
/** Two days before the month's end and one behind it. */
const outages = [{ from: end - 2 * day, to: end + day }];

async function opened(): Promise<AggregatorWorld> {
  const world = await openAggregatorWorld({
    nowMs: (end + 12 * day) * 1000,
    timeZone: "Europe/Kyiv",
    settleSeconds: 0,
  });
  onTestFinished(() => world.dispose());
  return world;
}

async function monthOf(world: AggregatorWorld, period: number): Promise<Snapshot> {
  return (await world.issued("m-1")).find((one) => one.period === period) as Snapshot;
}

/** 200 kWh five days before the month's end, 300 five days behind it. */
async function withGap(world: AggregatorWorld): Promise<void> {
  const rows = [
    [calendar.startOf(august), 100_000, "actual"],
    [calendar.startOf(september), 150_000, "actual"],
    [end - 5 * day, 200_000, "actual"],
    [end + 5 * day, 300_000, "actual"],
  ] as const;
  await world.deliver({ meterId: "m-1", series: [registerSeries(rows)] });
  await world.settle();
}

const dark = { method: "FLAT_BETWEEN", value: 242_857, consumption: 92_857, estimate: { outageSeconds: 2 * day } };

test("an outage that is known before the readings, from memory and after a restart from the store", async () => {
  const world = await opened();
  await world.register({ ...record, outages });
  await withGap(world);
  const issued = await monthOf(world, september);
  expect(issued).toMatchObject({ revision: 1, registers: [dark] });
  await world.restart();
  await world.close();
  expect(await monthOf(world, september)).toEqual(issued);
});

test("one that is told later makes the month anew that it touches, and is taken back the same way", async () => {
  const world = await opened();
  await world.register(record);
  await withGap(world);
  const before = await monthOf(world, august);
  expect(await monthOf(world, september)).toMatchObject({ registers: [{ value: 250_000 }] });
  await world.register({ ...record, outages });
  await world.settle();
  expect(await monthOf(world, september)).toMatchObject({ revision: 2, registers: [dark] });
  expect(await monthOf(world, august)).toEqual(before);
  await world.register(record);
  await world.settle();
  expect(await monthOf(world, september)).toMatchObject({ revision: 3, registers: [{ value: 250_000 }] });
});

test("intervals that memory counts, and that are missing in an outage alone, are none that are missing", async () => {
  const world = await opened();
  const [start, hour] = [calendar.startOf(september), 3600];
  await world.register({ ...record, outages: [{ from: start + 5 * hour, to: start + 9 * hour }] });
  const hours = Array.from({ length: 720 }, (_, index) => start + (index + 1) * hour);
  const there = hours.filter((at) => at <= start + 5 * hour || at > start + 9 * hour);
  const rows = there.map((at) => [at, 100, "actual"] as const);
  await world.deliver({ meterId: "m-1", series: [intervalSeries(rows, hour)] });
  await world.settle();
  expect((await monthOf(world, september)).registers[0]).toMatchObject({
    quality: "estimated",
    consumption: 71_600,
    intervals: { expected: 720, present: 716 },
    estimate: { method: "ZERO_OUTAGE", outageSeconds: 4 * hour },
  });
});
