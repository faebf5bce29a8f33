import { expect, test } from "vitest";
import { valuationRules } from "../valuation-rules.ts";
import { dailyUse, usedIn } from "./daily-use.ts";
import type { PastMonth } from "./past-month.ts";

const day = 86_400;
const period = 2026 * 12 + 9;

/** A month of so many days that ends `back` months before. */
function month(back: number, kWh: number | null, over: Partial<PastMonth> = {}): PastMonth {
  const from = (2000 - 30 * back) * day;
  const of = { id: `m/${period - back}/1`, period: period - back, register: "1.8.0", unit: "Wh" as const };
  return {
    ...of,
    consumption: kWh === null ? null : kWh * 1000,
    quality: "actual",
    readAt: from + 30 * day,
    from,
    to: from + 30 * day,
    ...over,
  };
}

const known = { amount: 20_000, from: 2000 * day, to: 2010 * day };
const nothing = { history: [], known: undefined, annualUse: undefined, outages: [] };
const darkHalf = { from: 1970 * day, to: 1985 * day };

test.each([
  { case: "nothing is known", of: {}, method: undefined, kWh: undefined },
  { case: "the month before", of: { history: [month(1, 60)] }, method: "ADU_PRIOR_PERIOD", kWh: 2 },
  { case: "and what was counted since", of: { history: [month(1, 60)], known }, method: "ADU_PRIOR_PERIOD", kWh: 2 },
  { case: "what was counted alone", of: { known }, method: "ADU_PRIOR_PERIOD", kWh: 2 },
  { case: "less than a day says nothing", of: { known: { ...known, to: known.from + day - 1 } }, method: undefined },
  { case: "three months ago", of: { history: [month(3, 90)] }, method: "ADU_PRIOR_PERIOD", kWh: 3 },
  { case: "four are too many", of: { history: [month(4, 90)] }, method: undefined },
  {
    case: "an estimate is no history",
    of: { history: [month(1, 60, { quality: "estimated" }), month(2, 90)] },
    method: "ADU_PRIOR_PERIOD",
    kWh: 3,
  },
  {
    case: "a part of a month",
    of: { history: [month(1, 12, { from: 1994 * day, to: 2000 * day }), month(2, 90)] },
    method: "ADU_PRIOR_PERIOD",
    kWh: 3,
  },
  {
    case: "half of it without supply",
    of: { history: [month(1, 30)], outages: [darkHalf] },
    method: "ADU_PRIOR_PERIOD",
    kWh: 2,
  },
  { case: "the year before", of: { history: [month(12, 90), month(1, 60)] }, method: "ADU_PRIOR_YEAR", kWh: 3 },
  {
    case: "half as much again as then",
    of: { history: [month(12, 90), month(13, 60), month(1, 90)] },
    method: "ADU_PRIOR_YEAR",
    kWh: 4.5,
  },
  {
    case: "no more than three times as much",
    of: { history: [month(12, 90), month(13, 30), month(1, 3000)] },
    method: "ADU_PRIOR_YEAR",
    kWh: 9,
  },
  {
    case: "no less than a third",
    of: { history: [month(12, 90), month(13, 60), month(1, 0)] },
    method: "ADU_PRIOR_YEAR",
    kWh: 1,
  },
  { case: "a year's use", of: { annualUse: 3_652_500 }, method: "ANNUAL_EXPECTED", kWh: 10 },
  {
    case: "history stands before it",
    of: { history: [month(1, 60)], annualUse: 3_652_500 },
    method: "ADU_PRIOR_PERIOD",
    kWh: 2,
  },
])("$case: $method, $kWh kWh a day", ({ of, method, kWh }) => {
  const found = dailyUse({ ...nothing, period, ...of }, valuationRules);
  expect(found?.method).toBe(method);
  expect(found && usedIn(found.rate, day, 1)).toBe(kWh === undefined ? undefined : kWh * 1000);
});

test.each([
  { amount: 3n, seconds: 2n, time: 1, multiplier: 1, used: 1 },
  { amount: 3n, seconds: 2n, time: 3, multiplier: 1, used: 4 },
  { amount: 5n, seconds: 3n, time: 1, multiplier: 1, used: 2 },
  { amount: 100n, seconds: 1n, time: 1, multiplier: 40, used: 2 },
  { amount: 0n, seconds: 7n, time: 1000, multiplier: 1, used: 0 },
  { amount: 9_007_199_254_740_991n, seconds: 86_400n, time: 86_400, multiplier: 1, used: 9_007_199_254_740_991 },
])("$amount in $seconds s: $used in $time s, a half downwards", ({ amount, seconds, time, multiplier, used }) => {
  expect(usedIn({ amount, seconds }, time, multiplier)).toBe(used);
});

test("it names the revisions that it is made of", () => {
  const history = [month(12, 90), month(13, 60), month(1, 90)];
  expect(dailyUse({ ...nothing, period, history }, valuationRules)?.inputs).toEqual([
    history[0]?.id,
    history[1]?.id,
    history[2]?.id,
  ]);
});
