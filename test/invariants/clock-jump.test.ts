// H16: a host's clock that is days ahead makes months final that are not over, and an issued month stands for ever.
import { steadyClock } from "@meterbook/runtime/clock/steady-clock";
import { timeWitnesses } from "@meterbook/runtime/clock/time-witnesses";
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
  await expect.poll(() => periodsOf(world)).toContainEqual([november, "final"]);
});

test("months that were issued at a time that is still to come are named when the clock is right again", async () => {
  const world = await openAggregatorWorld({ nowMs: startMs + 40 * dayMs, settleSeconds: 0 });
  onTestFinished(() => world.dispose());
  const series = [registerSeries([[instant("2026-10-31T22:00:00Z"), 100]])];
  await world.deliver({ meterId: "m-1", series });
  await world.settle();
  await expect.poll(() => periodsOf(world)).toContainEqual([november, "final"]);
  world.nowMs = startMs;
  await world.restart();
  const told = [...world.damages.values()].map(({ place, code, where }) => ({ place, code, where }));
  expect(told).toEqual([
    { place: "ledger", code: "issued_too_soon", where: expect.stringContaining("2026-12-30T12:00:") },
  ]);
});

/** A world whose process is started again `daysAhead` later by its host's clock, though a day has gone by. */
async function startedAhead(daysAhead: number) {
  const { world, host } = await openWorldWithWitnesses();
  const meters = ["m-1", "m-2", "m-3", "m-4"];
  const report = (at: string, value: number, ids = meters) =>
    world.deliver(...ids.map((meterId) => ({ meterId, series: [registerSeries([[instant(at), value]])] })));
  await report("2026-10-31T22:00:00Z", 100);
  await report("2026-11-20T10:00:00Z", 700);
  await world.settle();
  host.wallMs += daysAhead * dayMs;
  await world.restart();
  await world.look();
  return { world, host, report };
}

async function openWorldWithWitnesses() {
  const host = { wallMs: startMs, steadyMs: 0 };
  const [wallMs, steadyMs] = [() => host.wallMs, () => host.steadyMs];
  const make = () => steadyClock({ toleranceMs: 60_000, wallMs, steadyMs, uptimeMs: steadyMs });
  let clock = make();
  const witnesses = () => {
    clock = make();
    return timeWitnesses({ clock, leapMs: dayMs, wallMs });
  };
  const world = await openAggregatorWorld({ nowMs: startMs, settleSeconds: 0, witnesses });
  onTestFinished(() => world.dispose());
  Object.defineProperty(world, "nowMs", { get: () => clock.nowMs(), configurable: true });
  return { world, host };
}

test("H16: a process that starts with a clock that is 40 days ahead ends no month, whatever is reported", async () => {
  const { world, report } = await startedAhead(40);
  await report("2026-11-20T11:00:00Z", 710);
  await world.settle();
  await world.look();
  expect((await periodsOf(world)).some(([period]) => period === november)).toBe(false);
  // One meter, whose clock is wrong too, is no witness.
  await report("2026-12-30T11:00:00Z", 900, ["m-1"]);
  await world.look();
  expect((await periodsOf(world)).some(([period]) => period === november)).toBe(false);
});

test("H16: after a stop of 40 days months end when three meters have reported what time it is", async () => {
  const { world, report } = await startedAhead(40);
  await report("2026-12-30T11:00:00Z", 900, ["m-1", "m-2"]);
  await world.look();
  expect((await periodsOf(world)).some(([period]) => period === november)).toBe(false);
  await report("2026-12-30T11:00:00Z", 900, ["m-3"]);
  await world.settle();
  await world.look();
  await world.settle();
  await expect.poll(() => periodsOf(world)).toContainEqual([november, "final"]);
});

test("H16: an operator who closes says that the clock is right", async () => {
  const { world, host } = await startedAhead(40);
  const atMs = host.wallMs;
  const own = Object.getOwnPropertyDescriptor(world, "nowMs") ?? {};
  // The API appends by the host's clock.
  Object.defineProperty(world, "nowMs", { value: atMs, configurable: true });
  await world.appendBarrier([0], { atMs, registry: 0, quietBefore: 0, readyThrough: null, closeId: "close" });
  Object.defineProperty(world, "nowMs", own);
  await world.look();
  await world.settle();
  expect(world.nowMs).toBe(atMs);
});

test("H16: after a stop of a day at most the clock is believed at once", async () => {
  const { world, host } = await startedAhead(0.9);
  expect(world.nowMs).toBe(host.wallMs);
});

test("a barrier whose writer's clock is ahead of the log counts as the time at which it was appended", async () => {
  const { world } = await openWorld();
  const atMs = startMs + 40 * dayMs;
  await world.appendBarrier([0], { atMs, registry: 0, quietBefore: 0, readyThrough: null, closeId: "close" });
  await world.look();
  await world.settle();
  expect((await periodsOf(world)).some(([period]) => period === november)).toBe(false);
});
