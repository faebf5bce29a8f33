import fc from "fast-check";
import { expect, test } from "vitest";
import type { ReadingSeries } from "../../reading/reading.ts";
import { emptyColumns, pushReading } from "../../reading/reading.ts";
import { coverIntervals } from "./cover-intervals.ts";

type Row = readonly [end: number, value: number, quality?: number];

function series(stepSeconds: number, rows: readonly Row[]): ReadingSeries {
  const columns = emptyColumns();
  for (const [end, value, quality = 0] of [...rows].sort((a, b) => a[0] - b[0]))
    pushReading(columns, end, value, quality);
  return { channel: { register: "1.8.0", kind: "interval", unit: "Wh", stepSeconds }, ...columns };
}

const hours = (from: number, to: number, value = 10): Row[] =>
  Array.from({ length: to - from }, (_, i) => [(from + i + 1) * 3600, value]);

test.for<{ case: string; of: ReadingSeries[]; sum: number; present: number; absent: number }>([
  { case: "all hours", of: [series(3600, hours(0, 4))], sum: 40, present: 4, absent: 0 },
  { case: "none", of: [series(3600, [])], sum: 0, present: 0, absent: 4 },
  { case: "an hour lacks", of: [series(3600, [...hours(0, 1), ...hours(2, 4)])], sum: 30, present: 3, absent: 1 },
  {
    case: "what crosses the end is left out",
    of: [
      series(3600, [
        [1800, 99],
        [16_200, 99],
      ]),
    ],
    sum: 0,
    present: 0,
    absent: 4,
  },
  {
    case: "the last hour, each quarter",
    of: [
      series(
        3600,
        Array.from({ length: 17 }, (_, i): Row => [i * 900, 10]),
      ),
    ],
    sum: 40,
    present: 4,
    absent: 0,
  },
  {
    case: "a stray quarter hour inside an hour",
    of: [series(3600, hours(0, 4)), series(900, [[4500, 99]])],
    sum: 40,
    present: 4,
    absent: 0,
  },
  {
    case: "finer where it covers the same",
    of: [
      series(3600, hours(0, 4)),
      series(1800, [
        [1800, 3],
        [3600, 4],
      ]),
    ],
    sum: 37,
    present: 5,
    absent: 0,
  },
  {
    case: "better before finer",
    of: [
      series(3600, hours(0, 4)),
      series(1800, [
        [1800, 3, 2],
        [3600, 4, 2],
      ]),
    ],
    sum: 40,
    present: 4,
    absent: 0,
  },
  {
    case: "suspect ones count for nothing",
    of: [series(3600, [[3600, 10, 3], ...hours(1, 4)])],
    sum: 30,
    present: 3,
    absent: 1,
  },
])("$case", ({ of, sum, present, absent }) => {
  expect(coverIntervals(of, 0, 4 * 3600)).toMatchObject({ sum, present, absent });
});

test("a local day of 23 hours is one step of a month of days", () => {
  const day = 86_400;
  const of = [series(day, [[day, 5]]), series(day - 3600, [[2 * day - 3600, 5]])];
  expect(coverIntervals(of, 0, 2 * day - 3600)).toMatchObject({ sum: 10, present: 2, absent: 0 });
});

/** By trying all choices. */
function mostSeconds(intervals: readonly (readonly [from: number, to: number])[]): number {
  let most = 0;
  for (let choice = 0; choice < 2 ** intervals.length; choice += 1) {
    const chosen = intervals.filter((_, i) => (choice >> i) % 2 === 1).sort((a, b) => a[0] - b[0]);
    if (chosen.some(([from], i) => i > 0 && from < (chosen[i - 1]?.[1] ?? 0))) continue;
    most = Math.max(
      most,
      chosen.reduce((sum, [from, to]) => sum + to - from, 0),
    );
  }
  return most;
}

test("no second counts twice, and no choice covers more", () => {
  const one = fc.record({ step: fc.constantFrom(900, 1800, 3600, 1200), end: fc.integer({ min: 1, max: 24 }) });
  fc.assert(
    fc.property(fc.uniqueArray(one, { maxLength: 9, selector: ({ step, end }) => step * 100 + end }), (made) => {
      const steps = [...new Set(made.map(({ step }) => step))];
      fc.pre(steps.length > 0);
      const of = steps.map((step) =>
        series(
          step,
          made.filter((interval) => interval.step === step).map(({ end }): Row => [end * 600, 1]),
        ),
      );
      const to = 24 * 600;
      const within = made.map(({ step, end }) => [end * 600 - step, end * 600] as const).filter(([from]) => from >= 0);
      expect(coverIntervals(of, 0, to).coveredSeconds).toBe(mostSeconds(within));
    }),
  );
});
