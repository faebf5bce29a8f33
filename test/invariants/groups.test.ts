// Goal: the sums of a group are those of its members' curves, whatever comes in whatever order, and over restarts.
// Method: the real aggregator on the embedded store; the truth is read from the store, meter by meter and day by day,
// by the code of the curve.
import {
  openEmbeddedGroupSums,
  openEmbeddedGroupSumsReader,
} from "@meterbook/adapters/embedded/group-sums/embedded-group-sums";
import { registerCurve } from "@meterbook/core/domain/curve/consumption-curve";
import { intervalCurve, intervalsOf } from "@meterbook/core/domain/curve/interval-curve";
import { dayEdges, sumResolutions } from "@meterbook/core/domain/group/day-sums";
import type { Kind, ReadingQuality, ReadingSeries } from "@meterbook/core/domain/reading/reading";
import type { RegisteredMeter } from "@meterbook/core/domain/registry/registered-meter";
import { localCalendar } from "@meterbook/core/domain/time/local-calendar";
import type { GroupSumsReader } from "@meterbook/core/ports/group-sums";
import { readSummedSteps } from "@meterbook/core/records/sums/register-day-record";
import fc from "fast-check";
import { expect, onTestFinished, test } from "vitest";
import { instant, intervalSeries, registerSeries } from "../support/readings.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";
import { type AggregatorWorld, openAggregatorWorld } from "../support/worlds/aggregator-world.ts";
import type { TestReport } from "../support/worlds/scripted-log.ts";

const calendar = localCalendar("Europe/Kyiv");
const first = calendar.dayOf(instant("2026-10-24T12:00:00Z"));
/** The night of the clock change is among them. */
const days = [0, 1, 2].map((count) => calendar.addDays(first, count));
const now = instant("2026-11-02T12:00:00Z");
const range = { from: first, to: calendar.addDays(first, 8) };
const patience = { timeout: 20_000, interval: 20 };

async function groupWorld() {
  const dataDir = await temporaryDirectory();
  const sums = openEmbeddedGroupSums({ dataDir });
  const reader = openEmbeddedGroupSumsReader({ dataDir });
  const world = await openAggregatorWorld({ nowMs: now * 1000, groups: sums });
  onTestFinished(async () => {
    await world.dispose();
    await reader.close();
    await sums.close();
  });
  return { world, sums, reader };
}

function inFeeder(meterId: string, feeder: string, over: Partial<RegisteredMeter> = {}): RegisteredMeter {
  const points = [{ usagePointId: meterId, feeder: [{ validFrom: 0, value: feeder }] }];
  return { meterId, usagePointId: meterId, registers: [{ register: "1.8.0", unit: "Wh" }], points, ...over };
}

/** What the reader says of a day, by resolution: consumption, present and estimated of each step. */
async function told(reader: GroupSumsReader, groupId: string, day: number) {
  const parts = await reader.days(groupId, "1.8.0", { from: day, to: day });
  return parts.map(({ sums }) => ({
    expected: readSummedSteps(sums, "P1D")?.expected,
    steps: sumResolutions.map((resolution) => readSummedSteps(sums, resolution)?.steps),
  }));
}

async function truth(world: AggregatorWorld, meterIds: readonly string[], day: number) {
  const edges = dayEdges(calendar, day);
  const members: { readonly kind: Kind; readonly series: readonly ReadingSeries[] }[] = [];
  for (const meterId of meterIds) {
    const known = await world.store.meter(meterId);
    if (known === undefined) continue;
    const begins = Math.min(...known.channels.map((one) => one.first.at - one.stepSeconds));
    if (begins >= edges.end) continue;
    const kind = known.channels.some((one) => one.kind === "interval") ? "interval" : "register";
    const from = kind === "interval" ? day + 1 : day;
    const series = await world.store.read(meterId, { from, to: edges.end });
    members.push({ kind, series: series.filter(({ channel }) => channel.kind === kind) });
  }
  if (members.length === 0) return [];
  const steps = sumResolutions.map((resolution) => {
    const of = edges.edges[resolution];
    const curves = members.map(({ kind, series: [one, ...more] }) =>
      kind === "interval"
        ? intervalCurve(intervalsOf(one === undefined ? [] : [one, ...more]), of, 1)
        : registerCurve(one ?? { at: [], value: [], code: [] }, of, 1),
    );
    const at = (step: number) => curves.flatMap((curve) => (curve[step]?.consumption === null ? [] : [curve[step]]));
    const all = Array.from({ length: of.length - 1 }, (_, step) => at(step));
    return {
      consumption: all.map((points) => points.reduce((sum, point) => sum + (point?.consumption ?? 0), 0)),
      present: all.map((points) => points.length),
      estimated: all.map((points) => points.filter((point) => point?.quality !== "actual").length),
    };
  });
  return [{ expected: members.length, steps }];
}

async function summed(reader: GroupSumsReader): Promise<void> {
  await expect.poll(() => reader.pending(range), patience).toEqual([]);
}

const step = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      meter: fc.nat(3),
      from: fc.nat(250),
      count: fc.integer({ min: 1, max: 100 }),
      quality: fc.constantFrom<ReadingQuality>("actual", "actual", "estimated"),
      add: fc.nat(3),
    }),
  },
  { weight: 1, arbitrary: fc.constant("restart" as const) },
  { weight: 1, arbitrary: fc.record({ move: fc.nat(3), to: fc.constantFrom("F1", "F2") }) },
);

/** Meters 0 and 1 report registers, the others quarter hours. What is said twice may differ. */
function reportOf(meter: number, from: number, count: number, quality: ReadingQuality, add: number): TestReport {
  const at = (i: number) => first + (from + i) * 900;
  const rows = Array.from({ length: count }, (_, i) =>
    meter < 2 ? ([at(i), (from + i) * 10 + add, quality] as const) : ([at(i), 10 + add, quality] as const),
  );
  const series = meter < 2 ? registerSeries(rows) : intervalSeries(rows, 900);
  return { meterId: `m-${meter}`, series: [series] };
}

test("sums are those of the members' curves, whatever comes, and over restarts", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 3, maxLength: 12 }), async (steps) => {
      const { world, reader } = await groupWorld();
      const feeders = ["F1", "F1", "F2", "F2"];
      for (const [meter, feeder] of feeders.entries()) await world.register(inFeeder(`m-${meter}`, feeder));
      await world.close();
      for (const one of steps) {
        if (one === "restart") await world.restart();
        else if ("move" in one) {
          feeders[one.move] = one.to;
          await world.register(inFeeder(`m-${one.move}`, one.to));
          await world.close();
        } else await world.deliver(reportOf(one.meter, one.from, one.count, one.quality, one.add));
      }
      await summed(reader);
      for (const day of days) {
        for (const feeder of ["F1", "F2"]) {
          const members = feeders.flatMap((of, meter) => (of === feeder ? [`m-${meter}`] : []));
          expect(await told(reader, `feeder:${feeder}`, day)).toEqual(await truth(world, members, day));
        }
        const all = feeders.map((_, meter) => `m-${meter}`);
        expect(await told(reader, "fleet", day)).toEqual(await truth(world, all, day));
      }
    }),
    { numRuns: 25 },
  );
}, 120_000);

test("sums that are gone are made again from the store", async () => {
  const { world, reader, sums } = await groupWorld();
  await world.deliver(reportOf(0, 0, 200, "actual", 0), reportOf(2, 0, 200, "actual", 0));
  await summed(reader);
  const before = await told(reader, "fleet", first);
  expect(before[0]?.steps[3]?.present).toEqual([2]);
  await world.restart(async () => undefined, [], "take nothing");
  const writer = await sums.open(0, 9);
  await writer.put(first, []);
  expect(await told(reader, "fleet", first)).toEqual([]);
  await writer.changed([{ from: first, to: first }]);
  await world.restart();
  await summed(reader);
  expect(await told(reader, "fleet", first)).toEqual(before);
});

test("a meter that measures a feeder is summed for itself, and counted in nothing else", async () => {
  const { world, reader } = await groupWorld();
  const measured = [{ usagePointId: "m-0", measures: [{ validFrom: 0, value: "F1" }] }];
  await world.register({ ...inFeeder("m-0", "F1"), points: measured });
  await world.register(inFeeder("m-1", "F1"));
  await world.close();
  await world.deliver(reportOf(0, 0, 100, "actual", 0), reportOf(1, 0, 100, "actual", 0));
  await summed(reader);
  expect((await told(reader, "measures:F1", first))[0]?.expected).toBe(1);
  expect((await told(reader, "feeder:F1", first))[0]?.expected).toBe(1);
  expect((await told(reader, "fleet", first))[0]?.expected).toBe(1);
  await expect
    .poll(() => reader.groups({ prefix: "", limit: 9 }), patience)
    .toEqual([
      { groupId: "feeder:F1", meters: 1 },
      { groupId: "fleet", meters: 1 },
      { groupId: "measures:F1", meters: 1 },
    ]);
});
