// Goal: no second counts twice, and as many count as can, whatever steps, phases and overlaps. Method: random intervals
// of a known use, against a choice that is found by trying all of them.
import type { ReadingSeries } from "@meterbook/core/domain/reading/reading";
import { readingCode } from "@meterbook/core/domain/reading/reading";
import { coverIntervals } from "@meterbook/core/domain/valuation/cover/cover-intervals";
import fc from "fast-check";
import { expect, test } from "vitest";
import type { OracleInterval } from "./cover-oracle.ts";
import { bestCover } from "./cover-oracle.ts";

const numRuns = Number(process.env["ORACLE_RUNS"] ?? 400);
const start = Date.UTC(2026, 8, 1) / 1000;
const windowSteps = 24;
const grid = 900;
const qualities = ["actual", "derived", "estimated", "suspect"] as const;

/** Wh used in each quarter hour: an interval's amount is what its quarters add up to. */
const uses = fc.array(fc.nat(500), { minLength: windowSteps + 8, maxLength: windowSteps + 8 });
const pieces = fc.uniqueArray(
  fc.record({
    from: fc.integer({ min: -4, max: windowSteps }),
    steps: fc.constantFrom(1, 1, 2, 4, 4, 8),
    quality: fc.constantFrom(0, 0, 0, 1, 2, 3),
  }),
  { selector: ({ from, steps }) => `${from}/${steps}`, maxLength: 11 },
);

type Piece = { readonly from: number; readonly steps: number; readonly quality: number };

function amountOf({ from, steps }: Piece, use: readonly number[]): number {
  let sum = 0;
  for (let i = from; i < from + steps; i += 1) sum += use[i + 4] ?? 0;
  return sum;
}

function seriesOf(all: readonly Piece[], use: readonly number[]): ReadingSeries[] {
  return [...Map.groupBy(all, ({ steps }) => steps)].map(([steps, own]) => {
    const ordered = own.toSorted((a, b) => a.from - b.from);
    return {
      channel: { register: "1.8.0", kind: "interval", unit: "Wh", stepSeconds: steps * grid },
      at: ordered.map(({ from }) => start + (from + steps) * grid),
      value: ordered.map((one) => amountOf(one, use)),
      code: ordered.map(({ quality }) => readingCode(qualities[quality] ?? "actual", "remote")),
    };
  });
}

test("the choice covers as many seconds as any, by the best quality, then the finest, and nothing twice", () => {
  fc.assert(
    fc.property(pieces, uses, (all, use) => {
      const [from, to] = [start, start + windowSteps * grid];
      const inside: OracleInterval[] = all
        .filter((one) => one.quality < 3 && one.from >= 0 && one.from + one.steps <= windowSteps)
        .map((one) => ({
          from: start + one.from * grid,
          to: start + (one.from + one.steps) * grid,
          value: amountOf(one, use),
          badness: one.quality,
        }));
      const best = bestCover(inside);
      const found = coverIntervals(seriesOf(all, use), from, to);
      expect([found.coveredSeconds, found.present]).toEqual([best.seconds, best.count]);
      const whole = use.slice(4, 4 + windowSteps).reduce((sum, one) => sum + one, 0);
      expect(found.sum).toBeLessThanOrEqual(whole);
      if (best.seconds === to - from) expect([found.sum, found.absent]).toEqual([whole, 0]);
      else expect(found.absent).toBeGreaterThan(0);
    }),
    { numRuns },
  );
});

test("the order of channels does not matter", () => {
  fc.assert(
    fc.property(pieces, uses, (all, use) => {
      const [from, to] = [start, start + windowSteps * grid];
      const series = seriesOf(all, use);
      expect(coverIntervals(series.toReversed(), from, to)).toEqual(coverIntervals(series, from, to));
    }),
    { numRuns },
  );
});
