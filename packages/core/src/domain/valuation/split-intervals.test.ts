import fc from "fast-check";
import { expect, test } from "vitest";
import { coverIntervals } from "./cover/cover-intervals.ts";
import { splitAt } from "./split-intervals.ts";

const daySeconds = 86_400;

function intervals(stepSeconds: number, ends: readonly number[], amount: number) {
  const channel = { register: "1.8.0", kind: "interval", unit: "Wh", stepSeconds } as const;
  return { channel, at: [...ends], value: ends.map(() => amount), code: ends.map(() => 0) };
}

test("an interval that is cut anywhere and often is as much as before, and no part is negative", () => {
  const cuts = fc.uniqueArray(fc.integer({ min: 1, max: daySeconds - 1 }), { maxLength: 5 });
  fc.assert(
    fc.property(cuts, fc.nat(50), (drawn, amount) => {
      const ordered = drawn.toSorted((a, b) => a - b);
      const split = splitAt([intervals(daySeconds, [daySeconds], amount)], ordered);
      const bounds = [0, ...ordered, daySeconds];
      const sums = bounds.slice(1).map((to, i) => coverIntervals(split, bounds[i] as number, to).sum);
      expect(sums.reduce((sum, one) => sum + one, 0)).toBe(amount);
      expect(Math.min(...sums)).toBeGreaterThanOrEqual(0);
    }),
  );
});

test("hours that are sent each quarter of an hour are whole on both sides of a cut", () => {
  const ends = Array.from({ length: 93 }, (_, i) => 3600 + i * 900);
  const split = splitAt([intervals(3600, ends, 100)], [40_020]);
  const [before, after] = [coverIntervals(split, 0, 40_020), coverIntervals(split, 40_020, daySeconds)];
  expect([before.coveredSeconds, after.coveredSeconds]).toEqual([40_020, daySeconds - 40_020]);
  expect(before.sum + after.sum).toBe(2400);
});
