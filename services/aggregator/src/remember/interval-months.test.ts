import { codeOfNumbers, qualityIndexOf } from "@meterbook/core/domain/reading/reading";
import { localCalendar } from "@meterbook/core/domain/time/local-calendar";
import fc from "fast-check";
import { expect, test } from "vitest";
import { channelRows } from "./channel-memory.ts";
import { addInterval, monthTotals } from "./interval-months.ts";

const calendar = localCalendar("Europe/Kyiv");
const step = 900;
const first = calendar.periodOf(Date.UTC(2026, 1, 15) / 1000);
const months = 4;
const instants = fc.integer({ min: calendar.startOf(first) / step + 1, max: calendar.startOf(first + months) / step });
const codes = fc
  .tuple(fc.nat(3), fc.nat(5), fc.nat(31), fc.nat(2 ** 32 - 1))
  .map(([quality, origin, flags, revision]) => codeOfNumbers(quality, origin, flags * 64, revision));
const intervals = fc.uniqueArray(fc.record({ number: instants, value: fc.nat(10_000), code: codes }), {
  selector: ({ number }) => number,
  maxLength: 60,
});

/** That in which the interval begins. */
function periodOf({ number }: { readonly number: number }): number {
  return calendar.periodOf(number * step - step);
}

/** What it should know: sums over all that began in the month. */
function expected(sent: readonly { number: number; value: number; code: number }[], period: number) {
  const own = sent.filter((one) => periodOf(one) === period);
  return {
    sum: own.reduce((sum, { value }) => sum + value, 0),
    present: own.length,
    worst: own.reduce((worst, { code }) => Math.max(worst, qualityIndexOf(code)), 0),
    lastAt: own.reduce((last, { number }) => Math.max(last, number * step), 0),
  };
}

test("the two newest months are known, in whatever order their intervals come", () => {
  fc.assert(
    fc.property(intervals, (sent) => {
      const row = channelRows()();
      const periods = [...new Set(sent.map(periodOf))].sort((a, b) => a - b).slice(-2);
      const known = sent.filter((one) => periods.includes(periodOf(one)));
      // An older month is not taken up once a newer one has begun, so one of its intervals is first.
      const first = known.find((one) => periodOf(one) === periods[0]);
      const order = first === undefined ? [] : [first, ...known.filter((one) => one !== first)];
      for (const { number, value, code } of order)
        expect(addInterval(row, { at: number * step, value, code }, step, calendar)).toBe(true);
      for (const period of periods) expect(monthTotals(row, calendar.startOf(period))).toEqual(expected(sent, period));
    }),
  );
});

test.for([
  { name: "a month further back", at: calendar.startOf(first - 1) + step, taken: true },
  { name: "an interval across the boundary", at: calendar.boundaryOf(first + 1) + step / 2, taken: false },
])("$name is left to the store", ({ at, taken }) => {
  const row = channelRows()();
  const of = (period: number) => ({ at: calendar.startOf(period) + step, value: 7, code: 0 });
  for (const period of [first, first + 1]) addInterval(row, of(period), step, calendar);
  expect(addInterval(row, { at, value: 5, code: 3 }, step, calendar)).toBe(taken);
  expect(monthTotals(row, calendar.startOf(first - 1))).toBeUndefined();
  for (const period of [first, first + 1])
    expect(monthTotals(row, calendar.startOf(period))).toEqual({ sum: 7, present: 1, worst: 0, lastAt: of(period).at });
});
