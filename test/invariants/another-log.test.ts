import type { LogFrame } from "@meterbook/core/ports/readings-log";
import { expect, test } from "vitest";
import { instant, registerSeries } from "../support/readings.ts";
import { openAggregatorWorld } from "../support/worlds/aggregator-world.ts";

test("a log that holds less than the store has taken in is refused, and nothing of it is passed over", async () => {
  const world = await openAggregatorWorld({ nowMs: Date.parse("2026-11-20T12:00:00Z") });
  const at = instant("2026-11-01T00:00:00Z");
  await world.deliver({ meterId: "m-1", series: [registerSeries([[at, 100]])] });
  await world.deliver({ meterId: "m-1", series: [registerSeries([[at + 900, 110]])] });
  world.forgetLog();
  await expect(world.restart()).rejects.toThrow("it is not the log that the store was filled from");
  // What could not be opened cannot be closed.
  await world.dispose().catch(() => undefined);
});

test("D01: a log that was put back and has grown past the store since is refused, and nothing of it is passed over", async () => {
  const { world, report } = await threeTaken();
  world.forgetLog();
  world.append(report(4));
  world.append(report(5));
  world.append(report(6));
  world.append(report(7));
  // Found while it runs: frames are missing before the next one, so those before the position are looked at.
  await expect(world.deliver(report(8))).rejects.toThrow("it is not the log that the store was filled from");
  await expect(world.restart()).rejects.toThrow("it is not the log that the store was filled from");
  expect((await world.totals()).stored).toBe(3);
  await world.dispose();
});

test("D07: a log that was cut off behind what the store has taken in goes on, and what is gone is named and counted", async () => {
  const { world, report } = await threeTaken();
  // The one barrier that is due, so that none comes in between.
  const isBarrierPassed = () => world.log.some(({ barrier }) => barrier) && world.position === world.log.length;
  await expect.poll(isBarrierPassed, { timeout: 10_000 }).toBe(true);
  const cutAt = world.position;
  world.append(report(4), report(5));
  world.append(report(6));
  (world.log as LogFrame[]).splice(cutAt);
  world.append(report(7));
  // The hole has the partition opened anew, which looks below.
  await world.deliver(report(8));
  expect((await world.totals()).stored).toBe(5);
  const told = [...world.damages.values()].map(({ place, code, where, lost }) => ({ place, code, where, lost }));
  const where = `partition 0 before offset ${cutAt} of writer w-1`;
  expect(told).toEqual([{ place: "readings-log", code: "records_lost", where, lost: 3 }]);
  await world.deliver(report(9));
  await world.restart();
  expect([(await world.totals()).stored, world.damages.size]).toEqual([6, 1]);
  await world.dispose();
});

test("what the log has forgotten is no reason to refuse it", async () => {
  const { world, report } = await threeTaken();
  world.append(report(4));
  world.expireLog();
  await world.restart();
  await world.deliver(report(5));
  await world.deliver(report(6));
  expect((await world.totals()).stored).toBe(5);
  expect([...world.damages.values()]).toMatchObject([{ code: "records_lost", lost: 1 }]);
  await world.dispose();
});

async function threeTaken() {
  const world = await openAggregatorWorld({ nowMs: Date.parse("2026-11-20T12:00:00Z"), writer: "w-1" });
  const at = instant("2026-11-01T00:00:00Z");
  const report = (number: number) => ({
    meterId: "m-1",
    series: [registerSeries([[at + number * 900, 100 + number]])],
  });
  for (const number of [1, 2, 3]) await world.deliver(report(number));
  return { world, report };
}
