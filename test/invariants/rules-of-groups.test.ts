// Goal: a meter is judged by the thresholds of its usage point's group, from memory and from the store, and anew when
// the point moves to another group.
import { usualRules } from "@meterbook/core/domain/valuation/rule-book";
import { expect, test } from "vitest";
import { instant, registerSeries } from "../support/readings.ts";
import { openAggregatorWorld } from "../support/worlds/aggregator-world.ts";

const [opening, closing, end] = ["2026-08-31T21:00:00Z", "2026-09-30T21:00:00Z", "2026-10-31T22:00:00Z"].map(
  instant,
) as [number, number, number];

/** 2 kW on average, of a connection of 1 kW. */
const series = [
  registerSeries([
    [opening, 1000, "actual"],
    [closing, 1000 + 1_440_000, "actual"],
    [end, 1000 + 2 * 1_440_000, "actual"],
  ]),
];

test("V17 by group: what is too much for a flat is usual in a group that may", async () => {
  const industry = { ...usualRules.usual, ceilingPercent: 500 };
  const world = await openAggregatorWorld({
    nowMs: Date.parse("2026-11-20T12:00:00Z"),
    timeZone: "Europe/Kyiv",
    settleSeconds: 0,
    rules: { usual: usualRules.usual, ofGroups: new Map([["industry", industry]]) },
  });
  const register = (groups: readonly string[]) =>
    world.register({
      ...{ meterId: "m-1", usagePointId: "up-1", registers: [], connectionPowerW: 1000 },
      points: [{ usagePointId: "up-1", groups: [{ validFrom: 0, value: groups }] }],
    });
  const september = async () => {
    const [row] = (await world.issued("m-1")).at(-2)?.registers ?? [];
    return [row?.consumption, row?.quality];
  };
  try {
    await register(["industry"]);
    await world.deliver({ meterId: "m-1", series });
    await world.close();
    expect(await september()).toEqual([1_440_000, "actual"]);
    await register(["flats"]);
    await world.close();
    expect(await september()).toEqual([null, "suspect"]);
    await world.restart();
    await world.close();
    expect(await september(), "after a restart").toEqual([null, "suspect"]);
    await register(["flats", "industry"]);
    await world.close();
    expect(await september()).toEqual([1_440_000, "actual"]);
  } finally {
    await world.dispose();
  }
});
