// Goal: I3 where the first reading behind a month's end is an estimate: once a measured one follows, the month is made
// of that one, although the month was made of the estimate meanwhile.
import { expect, test } from "vitest";
import { instant, registerSeries } from "../support/readings.ts";
import { openAggregatorWorld } from "../support/worlds/aggregator-world.ts";

const boundary = instant("2026-09-30T21:00:00Z");
const day = 86_400;

test.for(["estimated", "suspect"] as const)("%s behind the boundary, then actual", async (quality) => {
  // Final since a day: no later hour will look at it again.
  const nowMs = (boundary + 4 * day) * 1000;
  const world = await openAggregatorWorld({ nowMs, timeZone: "Europe/Kyiv", settleSeconds: 0 });
  try {
    const deliver = async (at: number, value: number, of: typeof quality | "actual") => {
      await world.deliver({ meterId: "m-1", series: [registerSeries([[at, value, of]])] });
      await world.settle();
      return (await world.issued("m-1")).at(-1)?.registers[0];
    };
    await deliver(boundary - 2 * day, 1000, "actual");
    // What is suspect takes no part in a value.
    expect(await deliver(boundary + day, 4000, quality)).toMatchObject(
      quality === "suspect" ? { value: null, after: null } : { value: 3000, after: { value: 4000, quality } },
    );
    const measured = { value: 2000, after: { at: boundary + 2 * day, value: 3000, quality: "actual" } };
    expect(await deliver(boundary + 2 * day, 3000, "actual")).toMatchObject(measured);
    expect(await deliver(boundary + 3 * day, 9000, "actual")).toMatchObject(measured);
  } finally {
    await world.dispose();
  }
});
