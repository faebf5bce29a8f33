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
  witnesses.reading("a", nowMs);
  witnesses.reading("b", nowMs - 39 * dayMs);
  witnesses.judge(7);
  expect(witnesses.isAsking).toBe(true);
  witnesses.reading("c", nowMs - 38 * dayMs);
  witnesses.judge(7);
  // They say that it is earlier than the host has it: that is the time from then on.
  expect([clock.nowMs(), clock.look().doubt]).toEqual([nowMs - 38 * dayMs, "meters"]);
  witnesses.reading("b", nowMs - 10);
  witnesses.judge(7);
  expect([clock.nowMs(), witnesses.isAsking]).toEqual([nowMs + 1000, false]);
  const alone = host();
  alone.witnesses.knownBefore(nowMs - 40 * dayMs);
  alone.witnesses.reading("a", nowMs);
  alone.witnesses.judge(1);
  expect(alone.witnesses.isAsking).toBe(false);
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
  for (const meterId of ["a", "b", "c"]) witnesses.reading(meterId, nowMs - 39 * dayMs);
  witnesses.judge(9);
  await expect.poll(told).toEqual([expect.stringMatching(/39 days ahead of what meters report/), ""]);
  clock.believe();
  await expect.poll(told).toEqual(["", ""]);
  watch.close();
});
