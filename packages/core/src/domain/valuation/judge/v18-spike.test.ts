import fc from "fast-check";
import { expect, test } from "vitest";
import { emptyColumns, pushReading, type ReadingSeries } from "../../reading/reading.ts";
import { valuationRules } from "../valuation-rules.ts";
import { canBeSpike, spikesOf } from "./v18-spike.ts";

const channel = { register: "1.8.0", kind: "interval", unit: "Wh", stepSeconds: 3600 } as const;
const day = 86_400;

/** One day of hours, in Wh. */
function hours(values: readonly number[], of: Partial<ReadingSeries["channel"]> = {}): ReadingSeries {
  const columns = emptyColumns();
  values.forEach((value, hour) => pushReading(columns, 20_000 * day + (hour + 1) * 3600, value, 0));
  return { channel: { ...channel, ...of }, ...columns };
}

test.for([
  { case: "a flat day", values: [2500, 2500, 2500, 2500], spikes: [] },
  { case: "ten times the others", values: [2500, 25_000, 2500, 2500], spikes: [1] },
  { case: "exactly 180 % above the third", values: [2500, 7000, 2500, 2500], spikes: [] },
  { case: "a little more", values: [2500, 7001, 2500, 2500], spikes: [1] },
  { case: "three great hours are use", values: [2500, 9000, 9000, 9000], spikes: [] },
  { case: "of two great hours the greater", values: [2500, 9000, 90_000, 2500], spikes: [2] },
  { case: "a third hour below the floor", values: [1999, 9000, 1999, 1999], spikes: [] },
  { case: "two hours say nothing", values: [2500, 25_000], spikes: [] },
])("V18: $case", ({ values, spikes }) => {
  expect(spikesOf(hours(values), 1, valuationRules)).toEqual(spikes);
});

test("V18: a multiplier counts, and other quantities than active energy are not looked at", () => {
  expect(spikesOf(hours([25, 250, 25, 25]), 100, valuationRules)).toEqual([1]);
  expect(spikesOf(hours([2500, 25_000, 2500, 2500], { unit: "L" }), 1, valuationRules)).toEqual([]);
});

test("V18: what cannot be a spike of any day never is one, so memory may leave it unseen", () => {
  const amounts = fc.array(fc.integer({ min: 0, max: 20_000 }), { minLength: 3, maxLength: 24 });
  fc.assert(
    fc.property(amounts, fc.constantFrom(1, 40), (values, multiplier) => {
      for (const index of spikesOf(hours(values), multiplier, valuationRules)) {
        expect(canBeSpike(values[index] as number, channel, multiplier, valuationRules)).toBe(true);
        expect(Math.max(...values)).toBe(values[index]);
      }
    }),
  );
});
