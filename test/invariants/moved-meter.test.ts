// Goal: what is told late of a meter's place or of its transformers changes the months that it touches, says so, and
// nothing else. Method: an aggregator in memory, master data before and after, restarts between.
import type { RegisteredMeter } from "@meterbook/core/domain/registry/registered-meter";
import { isVoid, periodName, type Snapshot } from "@meterbook/core/domain/snapshot/snapshot";
import { expect, onTestFinished, test } from "vitest";
import { instant, registerSeries } from "../support/readings.ts";
import { openAggregatorWorld } from "../support/worlds/aggregator-world.ts";

const registers = [{ register: "1.8.0", unit: "Wh" }] as const;
const before: RegisteredMeter = { meterId: "m-1", usagePointId: "up-1", registers };

const readings: readonly (readonly [at: string, value: number])[] = [
  ["2026-07-31T21:00:00Z", 900],
  ["2026-08-31T21:00:00Z", 1000],
  ["2026-09-11T08:00:00Z", 1090],
  ["2026-09-11T10:00:00Z", 1110],
  ["2026-09-30T21:00:00Z", 1200],
  ["2026-10-31T22:00:00Z", 1330],
];

async function closedWorld(record: RegisteredMeter) {
  const world = await openAggregatorWorld({ nowMs: Date.parse("2026-11-20T12:00:00Z"), timeZone: "Europe/Kyiv" });
  onTestFinished(() => world.dispose());
  await world.register(record);
  for (const [at, value] of readings)
    await world.deliver({ meterId: "m-1", series: [registerSeries([[instant(at), value]])] });
  await world.close();
  return world;
}

/** The newest revision of each month. */
function newest(issued: readonly Snapshot[]): ReadonlyMap<string, Snapshot> {
  return new Map(issued.map((one) => [periodName(one.period), one]));
}

test("a move that is told late: both places get their part, the reason names it, and a restart issues nothing", async () => {
  const world = await closedWorld(before);
  const at = instant("2026-09-11T09:00:00Z");
  await world.register({
    ...before,
    usagePointId: "up-2",
    installed: { at, values: {} },
    earlier: [{ usagePointId: "up-1", removed: { at, values: {} } }],
  });
  await world.close();
  const months = newest(await world.issued("m-1"));
  const reason = "inputs changed after final: master data: it is at up-2 from 2026-09-11T09:00:00Z on";
  expect(months.get("2026-08")).toMatchObject({ revision: 1, usagePointId: "up-1" });
  expect(months.get("2026-09")).toMatchObject({
    revision: 2,
    usagePointId: "up-2",
    reason: expect.stringContaining(reason),
    registers: [
      { usagePointId: "up-1", opening: 1000, value: 1100, consumption: 100, from: null, to: at },
      { usagePointId: null, opening: 1100, value: 1200, consumption: 100, from: at, to: null },
    ],
  });
  expect(months.get("2026-10")).toMatchObject({ revision: 2, usagePointId: "up-2", registers: [{ consumption: 130 }] });
  const count = (await world.issued("m-1")).length;
  await world.restart();
  await world.close();
  expect((await world.issued("m-1")).length).toBe(count);
});

test("a month in which the meter was nowhere is taken back, and the next opens with its installation", async () => {
  const world = await closedWorld(before);
  await world.register({
    ...before,
    usagePointId: "up-2",
    installed: { at: instant("2026-10-05T09:00:00Z"), values: { "1.8.0": 1210 } },
    earlier: [{ usagePointId: "up-1", removed: { at: instant("2026-08-20T09:00:00Z"), values: { "1.8.0": 950 } } }],
  });
  await world.close();
  const months = newest(await world.issued("m-1"));
  expect(months.get("2026-08")).toMatchObject({ revision: 2, registers: [{ value: 950, consumption: 50 }] });
  const september = months.get("2026-09") as Snapshot;
  expect(isVoid(september)).toBe(true);
  expect(september.reason).toBe("void: the meter was at no usage point in this month");
  expect(months.get("2026-10")).toMatchObject({
    usagePointId: "up-2",
    registers: [{ opening: 1210, openingBasis: "installation", consumption: 120 }],
  });
});
