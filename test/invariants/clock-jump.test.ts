// H16: a host's clock that is days ahead makes months final that are not over, and an issued month stands for ever.
import { steadyClock } from "@meterbook/runtime/clock/steady-clock";
import { expect, onTestFinished, test } from "vitest";
import { instant, registerSeries } from "../support/readings.ts";
import { openAggregatorWorld } from "../support/worlds/aggregator-world.ts";

const startMs = Date.parse("2026-11-20T12:00:00Z");
const dayMs = 86_400_000;
const november = 2026 * 12 + 10;

async function openWorld() {
  const world = await openAggregatorWorld({ nowMs: startMs, settleSeconds: 0 });
  onTestFinished(() => world.dispose());
  const host = { wallMs: startMs, steadyMs: 0 };
  const [wallMs, steadyMs] = [() => host.wallMs, () => host.steadyMs];
  const clock = steadyClock({ toleranceMs: 60_000, wallMs, steadyMs, uptimeMs: steadyMs });
  Object.defineProperty(world, "nowMs", { get: clock.nowMs });
  function passes(ms: number): void {
    host.wallMs += ms;
    host.steadyMs += ms;
  }
  await world.deliver({
    meterId: "m-1",
    series: [
      registerSeries([
        [instant("2026-10-31T22:00:00Z"), 100],
        [instant("2026-11-20T10:00:00Z"), 700],
      ]),
    ],
  });
  await world.settle();
  return { world, host, passes };
}

const periodsOf = async (world: Awaited<ReturnType<typeof openWorld>>["world"]) =>
  (await world.issued("m-1")).map(({ period, lifecycle }) => [period, lifecycle]);

test("no month ends by a clock that jumped ahead, also not when readings come", async () => {
  const { world, host, passes } = await openWorld();
  const before = await periodsOf(world);
  host.wallMs += 40 * dayMs;
  passes(120_000);
  await world.look();
  await world.deliver({ meterId: "m-1", series: [registerSeries([[instant("2026-11-20T11:00:00Z"), 710]])] });
  await world.settle();
  expect(await periodsOf(world)).toEqual(before);
  expect(before.some(([period]) => period === november)).toBe(false);
});

test("when time has gone by the month ends, whatever jumped meanwhile", async () => {
  const { world, host, passes } = await openWorld();
  host.wallMs += 40 * dayMs;
  await world.look();
  host.wallMs -= 40 * dayMs;
  passes(15 * dayMs);
  await world.look();
  await world.settle();
  expect(await periodsOf(world)).toContainEqual([november, "final"]);
});

test("months that were issued at a time that is still to come are named when the clock is right again", async () => {
  const world = await openAggregatorWorld({ nowMs: startMs + 40 * dayMs, settleSeconds: 0 });
  onTestFinished(() => world.dispose());
  const series = [registerSeries([[instant("2026-10-31T22:00:00Z"), 100]])];
  await world.deliver({ meterId: "m-1", series });
  await world.settle();
  expect(await periodsOf(world)).toContainEqual([november, "final"]);
  world.nowMs = startMs;
  await world.restart();
  const told = [...world.damages.values()].map(({ place, code, where }) => ({ place, code, where }));
  expect(told).toEqual([
    { place: "ledger", code: "issued_too_soon", where: expect.stringContaining("2026-12-30T12:00:") },
  ]);
});
