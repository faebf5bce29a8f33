import { formatInstant } from "@meterbook/core/domain/time/instant";
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { groupCurveBytes } from "./group-curve-json.ts";

const amount = fc.maxSafeNat();
const instant = fc.integer({ min: 0, max: 4_000_000_000 });
/** Many of them touch. */
const edge = fc.oneof(instant, fc.constantFrom(1_800_000_000, 1_800_000_900));
const point = fc.record({
  from: edge,
  to: edge,
  consumption: fc.option(amount, { nil: null }),
  expected: amount,
  present: amount,
  estimated: amount,
});

test("a curve of sums as bytes is what JSON would make of it, whatever the group is called", () => {
  const arbitrary = fc.record({ name: fc.string({ unit: "grapheme" }), points: fc.array(point, { maxLength: 40 }) });
  fc.assert(
    fc.property(arbitrary, ({ name, points }) => {
      const items = points.map(({ from, to, ...rest }) => ({
        from: formatInstant(from),
        to: formatInstant(to),
        ...rest,
      }));
      expect(groupCurveBytes({ name, pending: 0 }, points).toString()).toBe(
        JSON.stringify({ name, pending: 0, items }),
      );
    }),
  );
});

test("more points than its first room holds are all there", () => {
  const points = Array.from({ length: 8000 }, (_, i) => ({
    ...{ from: 1_800_000_000 + i * 900, to: 1_800_000_900 + i * 900 },
    ...{ consumption: Number.MAX_SAFE_INTEGER - i, expected: i, present: i, estimated: 0 },
  }));
  const told = JSON.parse(groupCurveBytes({ pending: 0 }, points).toString()) as { items: { consumption: number }[] };
  expect(told.items.map(({ consumption }) => consumption)).toEqual(points.map(({ consumption }) => consumption));
});
