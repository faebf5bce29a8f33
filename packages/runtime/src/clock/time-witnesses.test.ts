import { expect, test } from "vitest";
import { standingProblems } from "../health/standing-problems.ts";
import { watchClock } from "../health/watch-clock.ts";
import { steadyClock } from "./steady-clock.ts";
import { timeWitnesses } from "./time-witnesses.ts";

const dayMs = 86_400_000;
const nowMs = Date.UTC(2026, 10, 20);

function host() {
  const time = { wallMs: nowMs, steadyMs: 0 };
  const [wallMs, steadyMs] = [() => time.wallMs, () => time.steadyMs];
  const clock = steadyClock({ toleranceMs: 60_000, wallMs, steadyMs, uptimeMs: steadyMs });
  return { time, clock, witnesses: timeWitnesses({ clock, leapMs: dayMs, wallMs }) };
}

test("a clock that is near what was known is believed, also where several partitions know of different times", () => {
  const { clock, witnesses } = host();
  witnesses.knownBefore(nowMs - 40 * dayMs);
  expect([clock.nowMs(), witnesses.isAsking]).toEqual([nowMs - 40 * dayMs, true]);
  witnesses.knownBefore(nowMs - dayMs / 2);
  expect([clock.nowMs(), witnesses.isAsking]).toEqual([nowMs, false]);
  witnesses.knownBefore(nowMs - dayMs / 3);
  expect(clock.nowMs()).toBe(nowMs);
});

test("the median of three meters is believed, of one where there is no other, and time goes on meanwhile", () => {
  const { clock, time, witnesses } = host();
  witnesses.knownBefore(nowMs - 40 * dayMs);
  time.wallMs += 1000;
  time.steadyMs += 1000;
  expect(clock.nowMs()).toBe(nowMs - 40 * dayMs + 1000);
  witnesses.reading("a", nowMs, 0);
  witnesses.reading("b", nowMs - 39 * dayMs, 0);
  witnesses.judge(7, 0);
  expect(witnesses.isAsking).toBe(true);
  witnesses.reading("c", nowMs - 38 * dayMs, 0);
  witnesses.judge(7, 0);
  // They say that it is earlier than the host has it: that is the time from then on.
  expect([clock.nowMs(), clock.look().doubt]).toEqual([nowMs - 38 * dayMs, "meters"]);
  witnesses.reading("b", nowMs - 10, 0);
  witnesses.judge(7, 0);
  expect([clock.nowMs(), witnesses.isAsking]).toEqual([nowMs + 1000, false]);
  const alone = host();
  alone.witnesses.knownBefore(nowMs - 40 * dayMs);
  alone.witnesses.reading("a", nowMs, 0);
  alone.witnesses.judge(1, 0);
  expect(alone.witnesses.isAsking).toBe(false);
});

test("at the first start the clock goes on, and months wait for meters, an operator or a server", () => {
  const first = () => {
    const made = host();
    made.witnesses.firstStart();
    expect([made.clock.nowMs(), made.witnesses.isTimeUnknown, made.witnesses.isAsking]).toEqual([nowMs, true, true]);
    return made;
  };
  const byMeters = first();
  for (const meterId of ["a", "b", "c"]) byMeters.witnesses.reading(meterId, nowMs - 2 * dayMs, 0);
  byMeters.witnesses.judge(9, 0);
  expect([byMeters.witnesses.isTimeUnknown, byMeters.clock.look().doubt]).toEqual([true, "old readings"]);
  for (const meterId of ["a", "c"]) byMeters.witnesses.reading(meterId, nowMs - 1000, 0);
  byMeters.witnesses.judge(9, 0);
  expect([byMeters.witnesses.isTimeUnknown, byMeters.clock.look().doubt]).toEqual([false, undefined]);

  const byOperator = first();
  byOperator.witnesses.closed(nowMs);
  expect(byOperator.witnesses.isTimeUnknown).toBe(false);

  const byServer = first();
  byServer.clock.compare({ name: "InfluxDB", atMs: nowMs, askedAtMs: nowMs });
  expect(byServer.witnesses.isTimeUnknown).toBe(false);
  const askedBefore = host();
  askedBefore.clock.compare({ name: "InfluxDB", atMs: nowMs, askedAtMs: nowMs });
  askedBefore.witnesses.firstStart();
  expect(askedBefore.witnesses.isTimeUnknown).toBe(false);
});

test("who sends a history at the first start says nothing of the clock, so it is believed; who is read as time goes by, does", () => {
  const after = (spanDays: number, logAgeDays: number) => {
    const { witnesses } = host();
    witnesses.firstStart();
    for (const meterId of ["a", "b", "c"]) witnesses.reading(meterId, nowMs - 40 * dayMs, spanDays * dayMs);
    witnesses.judge(9, logAgeDays * dayMs);
    return [witnesses.isTimeUnknown, witnesses.saidMs];
  };
  expect(after(31, 0)).toEqual([false, 0]);
  expect(after(1, 0)).toEqual([true, nowMs - 40 * dayMs]);
  expect(after(31, 31)).toEqual([true, nowMs - 40 * dayMs]);
});

test("one partition knows the time of the log for all", () => {
  const { clock, witnesses } = host();
  witnesses.firstStart();
  witnesses.knownBefore(nowMs - dayMs / 2);
  expect([witnesses.isTimeUnknown, clock.look().doubt]).toEqual([false, undefined]);
  witnesses.firstStart();
  expect(witnesses.isTimeUnknown).toBe(false);
  const other = host();
  other.witnesses.firstStart();
  other.witnesses.knownBefore(nowMs - 40 * dayMs);
  expect([other.witnesses.isTimeUnknown, other.clock.look().doubt]).toEqual([false, "log"]);
});

test("of many meters those count that were heard of last", () => {
  const { witnesses } = host();
  witnesses.knownBefore(nowMs - 40 * dayMs);
  for (let n = 0; n < 3000; n += 1) witnesses.reading(`old-${n}`, nowMs - 39 * dayMs, 0);
  for (let n = 0; n < 600; n += 1) witnesses.reading(`now-${n}`, nowMs, 0);
  witnesses.judge(1_000_000, 0);
  expect(witnesses.isAsking).toBe(false);
});

test("a host whose clock is put right is believed", () => {
  const { clock, time, witnesses } = host();
  witnesses.knownBefore(nowMs - 40 * dayMs);
  time.wallMs -= 40 * dayMs;
  expect([clock.nowMs(), witnesses.isAsking, clock.look().doubt]).toEqual([nowMs - 40 * dayMs, false, undefined]);
});

test("doubt alone is a notice; that meters say otherwise keeps months from ending, which is a problem", async () => {
  const { clock, witnesses } = host();
  const [standing, notices] = [standingProblems(), standingProblems()];
  const watch = watchClock({ clock, holdsBack: "months", standing, notices, everyMs: 1 });
  const told = () => [standing.current().join(), notices.current().join()];
  witnesses.knownBefore(nowMs - 40 * dayMs);
  await expect.poll(told).toEqual(["", expect.stringMatching(/40 days ahead of what the log says: it is in doubt/)]);
  for (const meterId of ["a", "b", "c"]) witnesses.reading(meterId, nowMs - 39 * dayMs, 0);
  witnesses.judge(9, 0);
  await expect.poll(told).toEqual([expect.stringMatching(/39 days ahead of what meters report/), ""]);
  clock.believe();
  await expect.poll(told).toEqual(["", ""]);
  clock.doubtFirst("old readings");
  await expect.poll(told).toEqual(["", expect.stringMatching(/never confirmed.*months end by what they report until/)]);
  clock.doubtFirst("no time");
  await expect.poll(told).toEqual(["", ""]);
  watch.close();
});
