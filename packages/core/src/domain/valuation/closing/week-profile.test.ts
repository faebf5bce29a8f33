import { expect, test } from "vitest";
import { emptyColumns, pushReading, type ReadingSeries } from "../../reading/reading.ts";
import type { Stretch } from "../../time/stretches.ts";
import { weekProfile } from "./week-profile.ts";

const [hour, day] = [3600, 86_400];
const week = 7 * day;
/** Four weeks, the first hour of a week of the epoch. */
const start = 2900 * week;
const end = start + 4 * week;

function series(stepSeconds: number, amountAt: (at: number) => number, to = end, from = start): ReadingSeries {
  const readings = emptyColumns();
  for (let at = from + stepSeconds; at <= to; at += stepSeconds)
    pushReading(readings, at, amountAt(at - stepSeconds), 0);
  return { channel: { register: "1.8.0", kind: "interval", unit: "Wh", stepSeconds }, ...readings };
}

/** 100 Wh an hour, and three times as much from noon on; on the last two days of the week nothing at noon. */
const usual = (at: number) => (Math.floor(at / hour) % 24 < 12 ? 100 : at % week >= 5 * day ? 0 : 300);
const weightOf = (intervals: readonly ReadingSeries[], from: number, to: number, outages: readonly Stretch[] = []) =>
  weekProfile(intervals, end, outages)?.(end + from, end + to) ?? null;

test("an hour weighs what it was in the weeks before, on such a day more than on others", () => {
  const hours = [series(hour, usual)];
  const [morning, evening, weekend] = [0, 12 * hour, 5 * day + 12 * hour].map((at) => weightOf(hours, at, at + hour));
  expect(Number(evening) / Number(morning)).toBeGreaterThan(2);
  expect(Number(weekend)).toBeLessThan(Number(evening) * 0.7);
  expect(weightOf(hours, 0, 12 * hour)).toBe(12 * Number(morning));
  expect(weightOf(hours, 1800, 5400)).toBe(morning);
});

test("quarter hours say the same as their hours", () => {
  const quarters = [series(900, (at) => usual(at) / 4)];
  expect(weightOf(quarters, 0, week)).toBe(weightOf([series(hour, usual)], 0, week));
});

test("intervals that are there weigh what they say, and an outage nothing", () => {
  const hours = series(hour, usual, end + hour);
  const known = weightOf([hours], 0, hour);
  expect(weightOf([hours], 0, 2 * hour)).toBe(2 * Number(known));
  const double = series(hour, (at) => (at >= end ? 2 : 1) * usual(at), end + hour);
  expect(weightOf([double], 0, hour)).toBe(2 * Number(known));
  expect(weightOf([series(hour, usual)], 0, 2 * hour, [{ from: end, to: end + hour }])).toBe(known);
});

test.each([
  { case: "six days are known", of: series(hour, usual, start + 6 * day, start) },
  { case: "what is known is long ago", of: series(hour, usual, start - 3 * week, start - 7 * week) },
  { case: "days are known, not hours", of: series(day, () => 4800) },
])("nothing is made of it where $case", ({ of }) => {
  expect(weekProfile([of], end, [])).toBeUndefined();
});
