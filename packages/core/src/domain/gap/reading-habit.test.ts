import { expect, test } from "vitest";
import { readingHabit } from "./reading-habit.ts";

const [quarter, hour, day] = [900, 3600, 86_400];

function every(step: number, count: number, without: readonly number[] = []): number[] {
  return Array.from({ length: count }, (_, i) => i)
    .filter((i) => !without.includes(i))
    .map((i) => 1_000_000_000 + i * step);
}

test.for<[string, number[], number | undefined]>([
  ["quarter hours", every(quarter, 10), quarter],
  ["hours of which some are missing", every(hour, 30, [3, 4, 5, 12]), hour],
  ["days, one of them of 25 hours", [0, day, 2 * day, 3 * day + hour, 4 * day + hour], day],
  ["hours with some seconds of drift", every(hour, 8).map((at, i) => at + (i % 3) * 13), hour + 13],
  ["months", [31, 59, 90, 120, 151].map((days) => days * day), 30 * day],
  ["too few", every(hour, 4), undefined],
  ["whenever somebody looks", [0, 4, 31, 33, 60, 71, 74].map((days) => days * day), undefined],
  ["none", [], undefined],
])("the habit of %s", ([, at, habit]) => {
  expect(readingHabit(at)).toBe(habit);
});
