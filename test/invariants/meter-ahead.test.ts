// Goal: a meter whose clock is hours ahead costs the others nothing. After a start nobody knows yet which meter has the
// newest reading, and the readings of all others looked late: each was looked up in the store, and counted as late.
import { expect, onTestFinished, test } from "vitest";
import { instant, registerSeries } from "../support/readings.ts";
import { openAggregatorWorld } from "../support/worlds/aggregator-world.ts";

const nowMs = Date.parse("2026-11-20T12:00:00Z");

test("after a restart the readings of others than a meter that is 23 h ahead are no late ones", async () => {
  const applied: { stored: number; late: number; duplicates: number }[] = [];
  const world = await openAggregatorWorld({
    nowMs,
    settleSeconds: 0,
    events: { batchApplied: ({ stored, late, duplicates }) => void applied.push({ stored, late, duplicates }) },
  });
  onTestFinished(() => world.dispose());
  const reports = (at: string, value: number) =>
    ["m-1", "m-2"].map((meterId) => ({ meterId, series: [registerSeries([[instant(at), value]])] }));
  await world.deliver({ meterId: "ahead", series: [registerSeries([[instant("2026-11-21T11:00:00Z"), 1]])] });
  await world.deliver(...reports("2026-11-20T10:00:00Z", 700));
  await world.settle();
  applied.length = 0;
  world.append(...reports("2026-11-20T11:00:00Z", 710));
  world.append(...reports("2026-11-20T11:15:00Z", 711));
  // What it had before it, and what is old.
  world.append(...reports("2026-11-20T11:00:00Z", 710), ...reports("2026-11-20T10:30:00Z", 705));
  await world.restart();
  expect(applied.reduce((sum, { stored }) => sum + stored, 0)).toBe(6);
  expect(applied.reduce((sum, { late }) => sum + late, 0)).toBe(2);
  expect(applied.reduce((sum, { duplicates }) => sum + duplicates, 0)).toBe(2);
});
