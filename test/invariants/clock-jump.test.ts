// H16: a host's clock that is days ahead makes months final that are not over, and an issued month stands for ever.
import type { Origin } from "@meterbook/core/domain/reading/reading";
import type { TimeWitnesses } from "@meterbook/core/ports/clock";
import { steadyClock } from "@meterbook/runtime/clock/steady-clock";
import { timeWitnesses } from "@meterbook/runtime/clock/time-witnesses";
import { expect, onTestFinished, test } from "vitest";
import { instant, registerSeries } from "../support/readings.ts";
import { openAggregatorWorld } from "../support/worlds/aggregator-world.ts";

const startMs = Date.parse("2026-11-20T12:00:00Z");
const dayMs = 86_400_000;
const november = 2026 * 12 + 10;
const september = november - 2;

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

test("a meter is quiet a settle time after its report, also where the log's clock was ahead of ours then", async () => {
  const world = await openAggregatorWorld({ nowMs: startMs + 40 * dayMs, settleSeconds: 30 });
  onTestFinished(() => world.dispose());
  const of = (meterId: string, value: number) => ({
    meterId,
    series: [registerSeries(["2026-10-10T22:00:00Z", "2026-10-31T22:00:00Z"].map((at) => [instant(at), value]))],
  });
  world.append(of("m-1", 100));
  world.nowMs = startMs;
  await world.deliver(of("m-2", 200));
  await world.look();
  world.nowMs += 31_000;
  await world.settle();
  expect((await world.issued("m-1", "m-2")).map(({ meterId }) => meterId)).toContain("m-1");
});

test("months that were issued at a time that is still to come are named when the clock is right again", async () => {
  const world = await openAggregatorWorld({ nowMs: startMs + 40 * dayMs, settleSeconds: 0 });
  onTestFinished(() => world.dispose());
  const series = [registerSeries([[instant("2026-10-31T22:00:00Z"), 100]])];
  await world.deliver({ meterId: "m-1", series });
  await world.settle();
  await expect.poll(() => periodsOf(world)).toContainEqual([november, "final"]);
  world.nowMs = startMs;
  const told = () => [...world.damages.values()].map(({ place, code, where }) => ({ place, code, where }));
  const expected = [{ place: "ledger", code: "issued_too_soon", where: expect.stringContaining("2026-12-30T12:00:") }];
  await expect.poll(told, { timeout: 5000 }).toEqual(expected);
  await world.restart();
  expect(told()).toEqual(expected);
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

async function openWorldWithWitnesses(wallMsAtStart = startMs) {
  const host = { wallMs: wallMsAtStart, steadyMs: 0 };
  const [wallMs, steadyMs] = [() => host.wallMs, () => host.steadyMs];
  const make = () => steadyClock({ toleranceMs: 60_000, wallMs, steadyMs, uptimeMs: steadyMs });
  let clock = make();
  const witnesses = () => {
    clock = make();
    return timeWitnesses({ clock, leapMs: dayMs, wallMs });
  };
  const world = await openAggregatorWorld({ nowMs: wallMsAtStart, settleSeconds: 0, witnesses });
  onTestFinished(() => world.dispose());
  Object.defineProperty(world, "nowMs", { get: () => clock.nowMs(), configurable: true });
  return { world, host, told: () => clock.look().doubt };
}

const fourMeters = ["m-1", "m-2", "m-3", "m-4"];

/** The very first start of a host whose clock is `daysAhead`: the log has no time. */
async function firstStart(daysAhead: number) {
  const opened = await openWorldWithWitnesses(startMs + daysAhead * dayMs);
  const { world } = opened;
  return {
    ...opened,
    async report(at: string, value: number, { ids = fourMeters, origin = "remote" as Origin } = {}) {
      const series = [registerSeries([[instant(at), value]])];
      await world.deliver(...ids.map((meterId) => ({ meterId, series, origin })));
      await world.settle();
      await world.look();
      await world.settle();
    },
  };
}

test("H16: at its very first start a host that is 40 days ahead ends no month that is not over, and tells of it", async () => {
  const { world, host, report, told } = await firstStart(40);
  expect(told()).toBe("no time");
  await report("2026-11-19T13:00:00Z", 650);
  await report("2026-11-20T11:59:00Z", 700);
  expect([await periodsOf(world), told()]).toEqual([[], "old readings"]);
  // Neither does a second start know more.
  await world.restart();
  await report("2026-11-20T12:00:00Z", 701);
  expect([await periodsOf(world), told()]).toEqual([[], "old readings"]);
  // Ten days later the month is over.
  host.wallMs += 10 * dayMs;
  host.steadyMs += 10 * dayMs;
  await report("2026-11-30T21:59:00Z", 800);
  expect(await periodsOf(world)).toEqual([]);
  await report("2026-11-30T22:00:00Z", 801);
  expect([await periodsOf(world), told()]).toEqual([[[november, "final"]], "old readings"]);
  // What is late is issued, though the clock is in doubt.
  await report("2026-11-30T21:30:00Z", 795);
  host.wallMs -= 40 * dayMs;
  await report("2026-11-30T22:01:00Z", 802);
  expect([await periodsOf(world), told()]).toEqual([[[november, "final"]], undefined]);
});

test("H16: months end when three meters have reported of this time; one whose clock is ahead too is no witness", async () => {
  const { world, report, told } = await firstStart(40);
  await report("2026-11-20T11:59:00Z", 700);
  await report("2026-12-30T11:59:00Z", 900, { ids: ["m-1"] });
  expect([await periodsOf(world), told()]).toEqual([[], "old readings"]);
  await report("2026-12-30T11:59:00Z", 900, { ids: ["m-2", "m-3"] });
  expect([await periodsOf(world), told()]).toEqual([[[november, "final"]], undefined]);
});

test("H16: who sends a history first is believed, and any replay of the log issues the same", async () => {
  const { world, host, report, told } = await firstStart(0);
  await report("2026-08-31T21:00:00Z", 10, { origin: "import" });
  await report("2026-09-20T21:00:00Z", 40, { origin: "import" });
  const issued = await world.issued(...fourMeters);
  expect(issued.map(({ meterId, period }) => [meterId, period])).toContainEqual(["m-4", september]);
  expect(told()).toBe(undefined);
  await expectSameInReplay(world, host.wallMs);
});

test("H16: what is issued while the clock is unknown is what any replay of the log issues", async () => {
  const { world, host, report } = await firstStart(40);
  await report("2026-11-29T13:00:00Z", 650);
  await report("2026-11-30T22:00:00Z", 700);
  expect(await periodsOf(world)).toEqual([[november, "final"]]);
  await expectSameInReplay(world, host.wallMs);
});

async function expectSameInReplay(world: Awaited<ReturnType<typeof openWorld>>["world"], wallMs: number) {
  const { log } = world;
  const records = log.length;
  const replayed = await openAggregatorWorld({
    ...{ nowMs: wallMs + 400 * dayMs, settleSeconds: 0, log, witnesses: () => unknowing },
  });
  onTestFinished(() => replayed.dispose());
  await replayed.take(records);
  expect(await replayed.issued(...fourMeters)).toEqual(await world.issued(...fourMeters));
}

/** Its owner writes no barrier at which a month ends: only those of the log count. */
const unknowing: TimeWitnesses = {
  ...{ isAsking: true, isTimeUnknown: true, saidMs: 0, hostMs: () => 0 },
  ...{ firstStart() {}, knownBefore() {}, reading() {}, judge() {}, closed() {} },
};

test("H16: at the first start a month waits until it is over in the zone of each meter", async () => {
  const { world, report } = await firstStart(40);
  await world.register({ meterId: "m-4", usagePointId: "p-4", zone: "America/St_Johns", registers: [] });
  await report("2026-11-30T20:00:00Z", 10);
  await report("2026-12-01T03:29:00Z", 51);
  expect([await periodsOf(world), await world.issued("m-4")]).toEqual([[[november, "provisional"]], []]);
  await report("2026-12-01T03:30:00Z", 52);
  expect(await periodsOf(world)).toEqual([[november, "final"]]);
  expect((await world.issued("m-4")).map(({ period }) => period)).toEqual([november]);
});

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
