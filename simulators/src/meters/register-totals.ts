import { dayShape, isDayTariff, nightShare, seasonOf, sunshine, weekdayFactor } from "./load-shapes.ts";
import type { LocalDay, LocalDays } from "./local-days.ts";
import { quarterSeconds } from "./local-days.ts";
import type { MeterProfile } from "./meter-profile.ts";
import { between, drawsOf, purposes, wholeBetween } from "./random.ts";

/**
 * What a meter counts, from the top down: a month's energy is drawn, divided over its days, a day's over its quarter
 * hours. So a register's total at any instant follows from (seed, meter, instant) alone, without walking the years
 * before it. `day` and `night` are import by tariff, Wh; `export` Wh; `reactive` varh.
 */
export const quantities = ["day", "night", "export", "reactive"] as const;
export type Quantity = (typeof quantities)[number];

/** Totals of a meter during one local day, in whole base units. */
export interface DayTotals {
  readonly day: LocalDay;
  /** The total at `at` (day.start <= at <= day.end); within a quarter hour on the line between its ends. */
  at(quantity: Quantity, at: number): number;
}

/**
 * The totals of one meter. Remembers the month and the day asked for last: going forward is cheap, going back right.
 */
export interface MeterTotals {
  readonly profile: MeterProfile;
  of(day: LocalDay): DayTotals;
}

interface Month {
  readonly period: number;
  /** Totals at the month's start, and what the month adds, by quantity. */
  readonly opening: readonly number[];
  readonly amount: readonly number[];
  /** Growing from 0: the weight of the days before day i of the month. */
  readonly useDays: Float64Array;
  readonly exportDays: Float64Array;
}

export function meterTotals(profile: MeterProfile, calendar: LocalDays): MeterTotals {
  const night = nightShare(profile.trade, profile.hourShift);
  let month: Month | undefined;
  let latest: DayTotals | undefined;

  function monthOf(period: number): Month {
    if (month?.period === period) return month;
    const made = makeMonth(profile, calendar, period, night, month);
    if (month === undefined || period > month.period) month = made;
    return made;
  }

  return {
    profile,
    of(day) {
      if (latest?.day.index === day.index) return latest;
      const made = makeDay(profile, monthOf(day.period), day);
      if (latest === undefined || day.index > latest.day.index) latest = made;
      return made;
    },
  };
}

function makeMonth(profile: MeterProfile, calendar: LocalDays, period: number, night: number, known?: Month): Month {
  const useful = known !== undefined && known.period < period ? known : undefined;
  let from = profile.installedPeriod;
  let opening: readonly number[] = quantities.map(() => 0);
  if (useful !== undefined) {
    from = useful.period + 1;
    opening = useful.opening.map((total, index) => total + (useful.amount[index] as number));
  }
  for (; from < period; from += 1) {
    const amount = monthAmounts(profile, from, night);
    opening = opening.map((total, index) => total + (amount[index] as number));
  }
  const weekdays = calendar.weekdaysOf(period);
  return {
    period,
    opening,
    amount: period < profile.installedPeriod ? quantities.map(() => 0) : monthAmounts(profile, period, night),
    useDays: growing(useWeights(profile, period, weekdays)),
    exportDays: growing(exportWeights(profile, period, weekdays.length)),
  };
}

/** What a month adds to each quantity, in the order of `quantities`. */
function monthAmounts(profile: MeterProfile, period: number, night: number): readonly number[] {
  const draw = drawsOf(profile.seed, profile.number, purposes.month, period);
  const season = seasonOf((period % 12) + 1);
  const use = (profile.yearWh / 12) * (1 + profile.winterSwing * season) * between(draw, 0.93, 1.07);
  const atNight = use * night * between(draw, 0.95, 1.05);
  const exported = (profile.exportYearWh / 12) * (1 - 0.85 * season) * between(draw, 0.85, 1.15);
  const reactive = use * profile.reactiveRatio * between(draw, 0.9, 1.1);
  return [use - atNight, atNight, exported, reactive].map(Math.round);
}

/** A home is away for one to two weeks in some summer months. */
function useWeights(profile: MeterProfile, period: number, weekdays: readonly number[]): number[] {
  const draw = drawsOf(profile.seed, profile.number, purposes.days, period);
  const month = (period % 12) + 1;
  const away = profile.kind === "home" && (month === 7 || month === 8) && draw() < 0.3;
  const awayFrom = away ? wholeBetween(draw, 0, 17) : 99;
  const awayUntil = awayFrom + wholeBetween(draw, 7, 14);
  return weekdays.map((weekday, day) => {
    const usual = weekdayFactor(profile.trade, weekday) * between(draw, 0.85, 1.15);
    return day >= awayFrom && day < awayUntil ? usual * 0.25 : usual;
  });
}

/** Bright and dull days. */
function exportWeights(profile: MeterProfile, period: number, days: number): number[] {
  const draw = drawsOf(profile.seed, profile.number, purposes.exportDays, period);
  return Array.from({ length: days }, () => 0.15 + draw());
}

function makeDay(profile: MeterProfile, month: Month, day: LocalDay): DayTotals {
  const use = useOfQuarters(profile, day);
  const masks = [
    growing(use.map((weight, i) => (isDayTariff(day.clock[i] as number) ? weight : 0))),
    growing(use.map((weight, i) => (isDayTariff(day.clock[i] as number) ? 0 : weight))),
    profile.exportYearWh > 0 ? growing(exportOfQuarters(profile, day)) : undefined,
    profile.reactiveRatio > 0 ? growing(use) : undefined,
  ];
  const starts = quantities.map((_, index) => totalAtDay(month, index, day.dayOfMonth - 1));
  const ends = quantities.map((_, index) => totalAtDay(month, index, day.dayOfMonth));
  const within = masks.map((weights, index) => {
    const amount = (ends[index] as number) - (starts[index] as number);
    return weights === undefined ? undefined : divided(amount, weights);
  });
  return {
    day,
    at(quantity, at) {
      const index = quantities.indexOf(quantity);
      const start = starts[index] as number;
      const quarters = within[index];
      return quarters === undefined ? start : start + onTheLine(quarters, at - day.start);
    },
  };
}

/** The total at the start of the month's day `days` (0-based), rounded down so that totals never fall. */
function totalAtDay(month: Month, index: number, days: number): number {
  const weights = index === quantities.indexOf("export") ? month.exportDays : month.useDays;
  const opening = month.opening[index] as number;
  const share = (weights[days] as number) / (weights.at(-1) as number);
  return opening + Math.floor((month.amount[index] as number) * share);
}

/** What the running weights' shares of `amount` are, rounded down: from 0 to exactly `amount` (a share of 1 is 1). */
function divided(amount: number, weights: Float64Array): Int32Array {
  const all = weights.at(-1) as number;
  return Int32Array.from(weights, (weight) => Math.floor(amount * (weight / all)));
}

function onTheLine(quarters: Int32Array, seconds: number): number {
  const quarter = Math.floor(seconds / quarterSeconds);
  const low = quarters[quarter] as number;
  const rest = seconds - quarter * quarterSeconds;
  if (rest === 0) return low;
  return low + Math.floor((((quarters[quarter + 1] as number) - low) * rest) / quarterSeconds);
}

/** Relative use of the day's quarter hours: habit, noise, appliances, less where the panels feed the home. */
function useOfQuarters(profile: MeterProfile, day: LocalDay): Float64Array {
  const draw = drawsOf(profile.seed, profile.number, purposes.quarters, day.index);
  const shape = dayShape(profile.trade, day.weekday, profile.hourShift);
  const sun = profile.exportYearWh > 0 ? sunshine(day.month) : undefined;
  const noise = profile.kind === "home" ? 0.55 : 0.15;
  const use = Float64Array.from(day.clock, (quarter) => {
    const fed = 0.8 * (sun?.[quarter] ?? 0);
    return (shape[quarter] as number) * between(draw, 1 - noise, 1 + noise) * (1 - fed);
  });
  const runs = profile.kind === "home" ? wholeBetween(draw, 0, 3) : 0;
  for (let run = 0; run < runs; run += 1) {
    const first = wholeBetween(draw, 7 * 4, 21 * 4);
    const last = Math.min(first + wholeBetween(draw, 1, 5), use.length - 1);
    for (let quarter = first; quarter <= last; quarter += 1) use[quarter] = (use[quarter] as number) + 1.2;
  }
  return use;
}

function exportOfQuarters(profile: MeterProfile, day: LocalDay): Float64Array {
  const draw = drawsOf(profile.seed, profile.number, purposes.exportQuarters, day.index);
  const sun = sunshine(day.month);
  return Float64Array.from(day.clock, (quarter) => (sun[quarter] as number) * between(draw, 0.4, 1));
}

/** Running sums of weights, from 0: one entry more than there are weights. */
function growing(weights: ArrayLike<number>): Float64Array {
  const sums = new Float64Array(weights.length + 1);
  for (let i = 0; i < weights.length; i += 1) sums[i + 1] = (sums[i] as number) + (weights[i] as number);
  return sums;
}
