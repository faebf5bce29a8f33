// Goal: what meters owe is found, asked for and closed again, also over restarts. Method: the real aggregator on the
// embedded store and gap log; the clock and the log are in the test's hand.
import { EventEmitter, once } from "node:events";
import { openEmbeddedGapLog } from "@meterbook/adapters/embedded/gap-log/embedded-gap-log";
import type { GapRules } from "@meterbook/aggregator/gaps/gap-rules";
import type { MeterGaps } from "@meterbook/core/domain/gap/meter-gaps";
import { parsePeriod } from "@meterbook/core/domain/snapshot/snapshot";
import type { GapLog } from "@meterbook/core/ports/gap-log";
import { expect, onTestFinished, test } from "vitest";
import { instant, intervalSeries, registerSeries } from "../support/readings.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";
import { openAggregatorWorld } from "../support/worlds/aggregator-world.ts";

const hour = 3600;
const now = instant("2026-11-02T12:00:00Z");
const octoberEnd = instant("2026-10-31T22:00:00Z");
const october = parsePeriod("2026-10") ?? 0;
const rules: GapRules = {
  ...{ lookMs: 20, silentSeconds: 26 * hour, asksPerSecond: 1000 },
  ...{ waitMs: 600_000, backOffMs: 900_000, timesMax: 3 },
};

function hours(from: number, to: number, without: readonly number[] = []) {
  const all = Array.from({ length: Math.floor((to - from) / hour) }, (_, i) => from + (i + 1) * hour);
  return intervalSeries(
    all.filter((at) => !without.includes(at)).map((at) => [at, 10]),
    hour,
  );
}

async function gapWorld(over: Partial<GapRules> = {}) {
  const log = openEmbeddedGapLog({ dataDir: await temporaryDirectory() });
  const looks = new EventEmitter();
  const world = await openAggregatorWorld({
    nowMs: now * 1000,
    gaps: { log, rules: { ...rules, ...over } },
    events: { gapsLooked: (facts) => looks.emit("look", facts) },
  });
  onTestFinished(async () => {
    await world.dispose();
    await log.close();
  });
  /** What the first look says that begins after the call. */
  async function looked() {
    await once(looks, "look");
    const [facts] = await once(looks, "look");
    return facts;
  }
  return { world, log, looked };
}

/** The record of the meter as soon as it is as wanted. */
async function until(log: GapLog, meterId: string, isWanted: (gaps: MeterGaps) => boolean): Promise<MeterGaps> {
  const found = Promise.withResolvers<MeterGaps>();
  const following = await log.follow(async (records) => {
    for (const one of records) if (one.meterId === meterId && isWanted(one)) found.resolve(one);
  });
  const gaps = await found.promise;
  await following.close();
  return gaps;
}

const isAsked = ({ asking }: MeterGaps) => asking?.state === "asked";

test("a gap is found, asked for after a while, and answered", async () => {
  const { world, log } = await gapWorld();
  const missing = [octoberEnd - hour, octoberEnd];
  const tidy = { meterId: "m-2", series: [hours(octoberEnd - 90 * hour, now)] };
  await world.deliver({ meterId: "m-1", series: [hours(octoberEnd - 90 * hour, now, missing)] }, tidy);
  const found = await until(log, "m-1", ({ gaps }) => gaps.length > 0);
  expect(found).toMatchObject({ usagePointId: "m-1", zone: "Europe/Kyiv", asking: null });
  expect(found.gaps).toMatchObject([{ from: octoberEnd - 2 * hour, to: octoberEnd, missing: 2, asked: null }]);
  world.nowMs += 11 * 60_000;
  const asked = await until(log, "m-1", isAsked);
  expect(asked.asking).toMatchObject({ times: 1, rank: 0, ranges: [{ from: octoberEnd - 2 * hour, to: octoberEnd }] });
  expect(await log.list({ period: october, limit: 9 })).toMatchObject([{ meterId: "m-1", isAtClose: true }]);
  await world.deliver({ meterId: "m-1", series: [hours(octoberEnd - 2 * hour, octoberEnd)] });
  const answered = await until(log, "m-1", ({ asking }) => asking === null && world.nowMs > now * 1000);
  expect(answered.gaps).toMatchObject([{ asked: { times: 1 }, answeredAtMs: world.nowMs }]);
  expect(await log.list({ period: october, limit: 9 })).toEqual([]);
  expect(await log.get("m-2")).toBeUndefined();
});

test("what was asked is known after a restart: the meter is not asked again before its time", async () => {
  const { world, log } = await gapWorld();
  await world.deliver({ meterId: "m-1", series: [hours(octoberEnd - 9 * hour, now, [octoberEnd])] });
  await until(log, "m-1", ({ gaps }) => gaps.length > 0);
  world.nowMs += 11 * 60_000;
  const asked = await until(log, "m-1", isAsked);
  await world.restart();
  world.nowMs += 2 * hour * 1000;
  // It has reported since it was asked, so it has heard.
  await world.deliver({ meterId: "m-1", series: [hours(now, now + 3 * hour)] });
  const again = await until(log, "m-1", ({ asking }) => asking?.times === 2);
  expect(again.gaps).toMatchObject([{ sinceMs: asked.gaps[0]?.sinceMs, asked: { times: 2 } }]);
});

test("a meter that falls silent is found by memory alone, and its gap has its end when it reports again", async () => {
  const { world, log, looked } = await gapWorld();
  await world.deliver({ meterId: "m-1", series: [hours(octoberEnd - 9 * hour, now)] });
  expect(await looked()).toMatchObject({ open: 0 });
  expect(await log.get("m-1")).toBeUndefined();
  world.nowMs += 27 * hour * 1000;
  const silent = await until(log, "m-1", ({ gaps }) => gaps.length > 0);
  expect(silent.gaps).toMatchObject([{ from: now, goesOn: true }]);
  await world.deliver({ meterId: "m-1", series: [hours(now + 26 * hour, now + 27 * hour)] });
  const ended = await until(log, "m-1", ({ gaps }) => gaps.some(({ goesOn }) => !goesOn));
  expect(ended.gaps).toMatchObject([{ from: now, to: now + 26 * hour, sinceMs: silent.gaps[0]?.sinceMs }]);
});

test("a register without a profile is read in turn, by the meter's habit", async () => {
  const { world, log } = await gapWorld();
  const days = [0, 1, 2, 3, 4, 5, 9, 10].map((day): [number, number] => [now + (day - 10) * 24 * hour, 100 + day]);
  await world.deliver({ meterId: "m-1", series: [registerSeries(days)] });
  const found = await until(log, "m-1", ({ gaps }) => gaps.length > 0);
  expect(found.gaps).toMatchObject([{ kind: "register", missing: 3, from: now - 5 * 24 * hour, to: now - 24 * hour }]);
});

test("nobody is asked where the setting says so, and the gaps are found all the same", async () => {
  const { world, log, looked } = await gapWorld({ asksPerSecond: 0 });
  await world.deliver({ meterId: "m-1", series: [hours(octoberEnd - 9 * hour, now, [octoberEnd])] });
  await until(log, "m-1", ({ gaps }) => gaps.length > 0);
  world.nowMs += 20 * 60_000;
  expect(await looked()).toMatchObject({ open: 1, missing: 1, asked: 0 });
  expect((await log.get("m-1"))?.asking).toBeNull();
});

test("reports that were numbered and never came are counted, over restarts too", async () => {
  const { world, log } = await gapWorld();
  const report = (sequence: number) => ({
    meterId: "m-1",
    sequence,
    series: [hours(now + sequence * hour, now + (sequence + 1) * hour)],
  });
  await world.deliver(report(1));
  await world.deliver(report(4));
  const once = await until(log, "m-1", ({ sequence }) => sequence !== null);
  expect(once.sequence).toEqual({ gaps: 1, missing: 2, after: 1, next: 4, atMs: world.nowMs });
  await world.restart();
  await world.deliver(report(5));
  await world.deliver(report(7));
  const twice = await until(log, "m-1", ({ sequence }) => sequence?.gaps === 2);
  expect(twice.sequence).toMatchObject({ missing: 3, after: 5, next: 7 });
});

test("a month that waits for what is asked is complete when it has come", async () => {
  const { world, log } = await gapWorld();
  const october = instant("2026-09-30T21:00:00Z");
  await world.deliver({ meterId: "m-1", series: [hours(october, now, [octoberEnd - hour])] });
  await world.close();
  const rowOf = async () => (await world.issued("m-1")).at(-1)?.registers[0];
  expect(await rowOf()).toMatchObject({ intervals: { expected: 745, present: 744 } });
  await until(log, "m-1", ({ gaps }) => gaps.length > 0);
  world.nowMs += 11 * 60_000;
  const asked = await until(log, "m-1", isAsked);
  const [range] = asked.asking?.ranges ?? [];
  await world.deliver({ meterId: "m-1", series: [hours(range?.from ?? 0, range?.to ?? 0)] });
  await until(log, "m-1", ({ asking }) => asking === null && world.nowMs > now * 1000);
  await world.close();
  expect(await rowOf()).toMatchObject({ quality: "actual", intervals: { expected: 745, present: 745 } });
});
