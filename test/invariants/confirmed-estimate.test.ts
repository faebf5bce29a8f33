// Goal: I2 for one instant: a value that comes as an estimate and as a measurement is measured, in either order.
import { qualityOf } from "@meterbook/core/domain/reading/reading";
import { expect, test } from "vitest";
import { instant, registerSeries } from "../support/readings.ts";
import { openAggregatorWorld } from "../support/worlds/aggregator-world.ts";

const boundary = instant("2026-10-31T22:00:00Z");
const orders = [
  { first: "estimated", second: "actual", inOneBatch: false },
  { first: "actual", second: "estimated", inOneBatch: false },
  { first: "estimated", second: "actual", inOneBatch: true },
  { first: "actual", second: "estimated", inOneBatch: true },
] as const;

test.for(orders)("$first, then $second, in one batch: $inOneBatch", async ({ first, second, inOneBatch }) => {
  const nowMs = Date.parse("2026-11-20T12:00:00Z");
  const world = await openAggregatorWorld({ nowMs, timeZone: "Europe/Kyiv", settleSeconds: 0 });
  try {
    const report = (quality: "estimated" | "actual") => ({
      meterId: "m-1",
      series: [registerSeries([[boundary, 100, quality]])],
    });
    const beginning = { meterId: "m-1", series: [registerSeries([[boundary - 7200, 80]])] };
    if (inOneBatch) await world.deliver(beginning, report(first), report(second));
    else for (const one of [beginning, report(first), report(second)]) await world.deliver(one);
    await world.close();
    const [series] = await world.store.read("m-1", { from: boundary, to: boundary });
    expect(series?.code.map(qualityOf)).toEqual(["actual"]);
    expect(await world.totals()).toMatchObject({ stored: 2, duplicates: 1, conflicts: 0 });
    const [snapshot] = await world.issued("m-1");
    expect(snapshot?.registers).toMatchObject([{ value: 100, quality: "actual", method: "EXACT" }]);
  } finally {
    await world.dispose();
  }
});
