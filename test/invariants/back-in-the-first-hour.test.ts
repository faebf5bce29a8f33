// Goal: a month that was estimated for want of a reading is made anew from the first reading behind it, also where that
// reading has passed the next boundary as well, whose own months are not due yet.
import { expect, test } from "vitest";
import { instant, registerSeries } from "../support/readings.ts";
import { openAggregatorWorld } from "../support/worlds/aggregator-world.ts";

const september = instant("2026-09-30T21:00:00Z");
const october = instant("2026-10-31T22:00:00Z");
const day = 86_400;

test.for([
  { name: "the first is measured", readings: [[600, 4200, "actual"]] },
  {
    name: "an estimate comes before it",
    readings: [
      [300, 9000, "estimated"],
      [600, 4200, "actual"],
    ],
  },
  {
    name: "an estimate stands at the boundary",
    readings: [
      [0, 9000, "estimated"],
      [600, 4200, "actual"],
    ],
  },
] as const)("a meter silent for all of October reports in November's first hour: $name", async ({ readings }) => {
  const world = await openAggregatorWorld({ nowMs: (september + 4 * day) * 1000, settleSeconds: 0 });
  try {
    const deliver = (at: number, value: number, of: "actual" | "estimated") =>
      world.deliver({ meterId: "m-1", series: [registerSeries([[at, value, of]])] });
    await deliver(september - 2 * day, 1000, "actual");
    await world.settle();
    expect(await world.issued("m-1")).toMatchObject([{ revision: 1, registers: [{ after: null }] }]);
    world.nowMs = (october + 900) * 1000;
    await world.look();
    for (const [after, value, of] of readings) await deliver(october + after, value, of);
    await world.settle();
    const revised = { registers: [{ method: "FLAT_BETWEEN", after: { at: october + 600, value: 4200 } }] };
    expect(await world.issued("m-1")).toMatchObject([revised]);
  } finally {
    await world.dispose();
  }
});
