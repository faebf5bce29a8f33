import type { BaseUnit, Columns, Reading, ReadingSeries } from "../reading/reading.ts";
import { lowerBound, qualityIndexOf } from "../reading/reading.ts";
import type { SnapshotQuality } from "../snapshot/snapshot.ts";
import type { ClosingValue } from "./closing-value.ts";
import { closingValue } from "./closing-value.ts";

/** What a snapshot needs to know of one register channel in one period. */
export interface RegisterFacts {
  readonly kind: "register";
  readonly register: string;
  readonly unit: BaseUnit;
  readonly closing: ClosingValue;
  /** Among the actual readings from the period's start to its boundary, one is lower than the one before it. */
  readonly ranBackwards: boolean;
  /** The earliest reading of the channel; null where it has none. */
  readonly first: Reading | null;
}

/** What a snapshot needs to know of a register that comes as intervals only. */
export interface IntervalFacts {
  readonly kind: "interval";
  readonly register: string;
  readonly unit: BaseUnit;
  readonly sum: number;
  readonly expected: number;
  readonly present: number;
  /** The worst of the intervals that are there; `actual` where there is none. */
  readonly quality: SnapshotQuality;
  readonly lastAt: number | null;
}

export type PeriodFacts = RegisterFacts | IntervalFacts;

export interface Span {
  /** Seconds UTC, local midnights. */
  readonly start: number;
  readonly boundary: number;
}

/**
 * The facts of a register channel from its readings; `readings` reach from `boundary - lookBack` to `boundary +
 * flatGap`.
 */
export function registerFacts(
  series: ReadingSeries,
  intervals: readonly ReadingSeries[],
  first: Reading,
  span: Span,
): RegisterFacts {
  return {
    kind: "register",
    register: series.channel.register,
    unit: series.channel.unit,
    closing: closingValue(series, intervals, span.boundary),
    ranBackwards: ranBackwards(series, span),
    first,
  };
}

/** A lower actual reading after a higher one. The meter's own estimates do not count: they may overshoot. */
export function ranBackwards(readings: Columns, { start, boundary }: Span): boolean {
  let highest = Number.NEGATIVE_INFINITY;
  for (let i = lowerBound(readings, start); i < readings.at.length && (readings.at[i] as number) <= boundary; i += 1) {
    if (qualityIndexOf(readings.code[i] as number) !== 0) continue;
    const value = readings.value[i] as number;
    if (value < highest) return true;
    highest = value;
  }
  return false;
}

/**
 * The month's sum of an interval register. Where step lengths were mixed, intervals that overlap one already counted
 * are left out, so no energy counts twice; `expected` is then what is present plus what the finest step would add.
 */
export function intervalFacts(series: readonly ReadingSeries[], span: Span): IntervalFacts {
  const first = series[0];
  if (first === undefined) throw new Error("interval facts need at least one series");
  const totals = { sum: 0, present: 0, worst: 0, coveredSeconds: 0, lastAt: 0 };
  const single = series.length === 1;
  const all = single ? undefined : merged(series);
  if (all === undefined) addSeries(totals, first, span);
  else addMerged(totals, all, span);
  const step = Math.min(...series.map(({ channel }) => channel.stepSeconds));
  const uncovered = span.boundary - span.start - totals.coveredSeconds;
  return {
    kind: "interval",
    register: first.channel.register,
    unit: first.channel.unit,
    sum: totals.sum,
    present: totals.present,
    expected: totals.present + Math.ceil(uncovered / step),
    quality: (["actual", "derived", "estimated", "suspect"] as const)[totals.worst] ?? "suspect",
    lastAt: totals.present === 0 ? null : totals.lastAt,
  };
}

interface Totals {
  sum: number;
  present: number;
  worst: number;
  coveredSeconds: number;
  lastAt: number;
}

function addSeries(totals: Totals, series: ReadingSeries, { start, boundary }: Span): void {
  const step = series.channel.stepSeconds;
  const end = lowerBound(series, boundary + 1);
  for (let i = lowerBound(series, start + step); i < end; i += 1) {
    totals.sum += series.value[i] as number;
    totals.worst = Math.max(totals.worst, qualityIndexOf(series.code[i] as number));
    totals.present += 1;
    totals.lastAt = series.at[i] as number;
  }
  totals.coveredSeconds = totals.present * step;
}

interface Interval {
  readonly from: number;
  readonly to: number;
  readonly value: number;
  readonly code: number;
}

function merged(series: readonly ReadingSeries[]): Interval[] {
  return series
    .flatMap(({ channel, at, value, code }) =>
      at.map((to, i) => ({ from: to - channel.stepSeconds, to, value: value[i] as number, code: code[i] as number })),
    )
    .sort((a, b) => a.to - b.to || b.from - a.from);
}

function addMerged(totals: Totals, intervals: readonly Interval[], { start, boundary }: Span): void {
  let coveredTo = start;
  for (const { from, to, value, code } of intervals) {
    if (from < coveredTo || to > boundary) continue;
    totals.sum += value;
    totals.worst = Math.max(totals.worst, qualityIndexOf(code));
    totals.present += 1;
    totals.coveredSeconds += to - from;
    totals.lastAt = to;
    coveredTo = to;
  }
}
