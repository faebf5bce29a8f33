import type { Method } from "../../snapshot/snapshot.ts";
import { formatInstant } from "../../time/instant.ts";
import { secondsWithin } from "../../time/stretches.ts";
import type { Part } from "../month.ts";
import type { ValuationRules } from "../valuation-rules.ts";
import type { PastMonth } from "./past-month.ts";

/** An amount in so many seconds. A fraction, so that nothing is rounded before the end. */
export interface Rate {
  readonly amount: bigint;
  readonly seconds: bigint;
}

const historyMethods = ["ADU_PRIOR_YEAR", "ADU_PRIOR_PERIOD", "ANNUAL_EXPECTED"] as const satisfies readonly Method[];
export type HistoryMethod = (typeof historyMethods)[number];

const byHistory: ReadonlySet<Method> = new Set(historyMethods);

/** Whether a row is estimated from what was used before, or is expected. */
export function isByHistory({ method }: { readonly method: Method }): boolean {
  return byHistory.has(method);
}

/** How much is used a day, and how that is known. */
export interface DailyUse {
  readonly method: HistoryMethod;
  readonly rate: Rate;
  readonly inputs: readonly string[];
}

export interface DailyUseOf {
  readonly period: number;
  /** Of this register alone. */
  readonly history: readonly PastMonth[];
  /** What the register has counted in the month itself, after the multiplier. */
  readonly known: { readonly amount: number; readonly from: number; readonly to: number } | undefined;
  /** What master data expect of a year; undefined where they say nothing. */
  readonly annualUse: number | undefined;
  readonly outages: readonly Part[];
}

/** Days of which nothing was left out. */
interface Use extends Rate {
  readonly inputs: readonly string[];
}

const monthsOfYear = 12;
/** A year of the calendar, on the average. */
const yearSeconds = 31_557_600n;

/**
 * The average use of a day: that of the same month a year ago, times how much more is used now than was used then;
 * else what was used lately; else what is expected of a year. Undefined where nothing is known.
 */
export function dailyUse(of: DailyUseOf, rules: ValuationRules): DailyUse | undefined {
  const lately = recentUse(of, rules);
  const lastYear = useOf(of, of.period - monthsOfYear, rules);
  if (lastYear !== undefined) {
    const then = lately?.period === undefined ? undefined : useOf(of, lately.period - monthsOfYear, rules);
    const isKnown = lately !== undefined && then !== undefined && then.amount > 0n;
    const rate = isKnown ? grown(lastYear, lately, then, rules) : lastYear;
    const inputs = [...lastYear.inputs, ...(isKnown ? [...then.inputs, ...lately.inputs] : [])];
    return { method: "ADU_PRIOR_YEAR", rate, inputs };
  }
  if (lately !== undefined) return { method: "ADU_PRIOR_PERIOD", rate: lately, inputs: lately.inputs };
  if (of.annualUse === undefined) return undefined;
  const rate = { amount: BigInt(of.annualUse), seconds: yearSeconds };
  return { method: "ANNUAL_EXPECTED", rate, inputs: ["master-data"] };
}

/** The newest month that was measured, and what the register has counted since. */
function recentUse(of: DailyUseOf, rules: ValuationRules): (Use & { readonly period?: number }) | undefined {
  const since = knownUse(of, rules);
  for (let back = 1; back <= rules.recentMonthsMax; back += 1) {
    const period = of.period - back;
    const month = useOf(of, period, rules);
    if (month === undefined) continue;
    // What was counted since then belongs to it only where no month lies between.
    return { ...(back === 1 && since !== undefined ? together(month, since) : month), period };
  }
  return since;
}

function knownUse({ known, outages }: DailyUseOf, { knownDaySecondsMin }: ValuationRules): Use | undefined {
  if (known === undefined) return undefined;
  const seconds = known.to - known.from - secondsWithin(outages, known);
  if (seconds < knownDaySecondsMin) return undefined;
  const inputs = [formatInstant(known.from), formatInstant(known.to)];
  return { amount: BigInt(known.amount), seconds: BigInt(seconds), inputs };
}

/** Of a month that was measured and is long enough to say something. */
function useOf(of: DailyUseOf, period: number, { historySecondsMin }: ValuationRules): Use | undefined {
  let found: Use | undefined;
  for (const { id, consumption, quality, from, to } of of.history.filter((one) => one.period === period)) {
    if (consumption === null || (quality !== "actual" && quality !== "derived")) return undefined;
    const seconds = BigInt(to - from - secondsWithin(of.outages, { from, to }));
    const part = { amount: BigInt(consumption), seconds, inputs: [id] };
    found = found === undefined ? part : { ...together(found, part), inputs: [id] };
  }
  return found !== undefined && found.seconds >= BigInt(historySecondsMin) ? found : undefined;
}

function together(a: Use, b: Use): Use {
  return { amount: a.amount + b.amount, seconds: a.seconds + b.seconds, inputs: [...a.inputs, ...b.inputs] };
}

/** `base` times how much more `now` is than `then`, which is held within bounds. */
function grown(base: Rate, now: Rate, then: Rate, { growthTimesMax }: ValuationRules): Rate {
  const [more, less] = [now.amount * then.seconds, then.amount * now.seconds];
  const most = BigInt(growthTimesMax);
  if (more > less * most) return { amount: base.amount * most, seconds: base.seconds };
  if (more * most < less) return { amount: base.amount, seconds: base.seconds * most };
  return { amount: base.amount * more, seconds: base.seconds * less };
}

/** What is used in some time, in units of a register before its multiplier; to the nearest, a half downwards. */
export function usedIn({ amount, seconds }: Rate, time: number, multiplier: number): number {
  const [of, divisor] = [2n * amount * BigInt(time), 2n * seconds * BigInt(multiplier)];
  const whole = of <= divisor / 2n ? 0n : (of - divisor / 2n + divisor - 1n) / divisor;
  return Number(whole);
}
