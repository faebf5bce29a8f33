import { checkedAmount } from "../quantity/amount.ts";
import type { Columns, Reading, ReadingSeries } from "../reading/reading.ts";
import { lowerBound, qualityIndexOf, readingAt } from "../reading/reading.ts";
import type { SnapshotQuality } from "../snapshot/snapshot.ts";
import { snapshotQualities } from "../snapshot/snapshot.ts";

/**
 * What was used over `[from, to)`, seconds UTC, in base units times the multiplier. `null` with quality
 * - `missing`: a reading at an end of the step, or all of its intervals, are not there (nothing is interpolated);
 * - `incomplete`: some of its intervals are there, `present` of `expected`;
 * - `suspect`: the register ran backwards within the step.
 * Missing is never 0.
 */
export interface CurvePoint {
  readonly from: number;
  readonly to: number;
  readonly consumption: number | null;
  readonly quality: SnapshotQuality;
  /** Interval channels only, and only where the step is incomplete. */
  readonly present?: number;
  readonly expected?: number;
}

/**
 * The curve of a register channel: register at the end of each step minus register at its start, only where there is a
 * reading at both instants exactly. So the days of a month add up to the month, whatever happened in between.
 *
 * @param readings ascending, reaching from the first edge to the last.
 */
export function registerCurve(readings: Columns, edges: readonly number[], multiplier: number): CurvePoint[] {
  const points: CurvePoint[] = [];
  let start = lowerBound(readings, edges[0] ?? 0);
  for (let i = 0; i + 1 < edges.length; i += 1) {
    const from = edges[i] as number;
    const to = edges[i + 1] as number;
    let end = start;
    while (end < readings.at.length && (readings.at[end] as number) < to) end += 1;
    const known = readings.at[start] === from && readings.at[end] === to;
    points.push(
      known ? registerStep(readings, start, end, multiplier) : { from, to, consumption: null, quality: "missing" },
    );
    start = end;
  }
  return points;
}

/**
 * Between consecutive readings, for pairs whose later reading is in `readings`.
 *
 * @param before the last reading of what came before `readings`, where a longer range is walked in parts.
 */
export function nativeRegisterCurve(readings: Columns, before: Reading | undefined, multiplier: number): CurvePoint[] {
  const points: CurvePoint[] = [];
  const first = readings.at.length === 0 ? undefined : readingAt(readings, 0);
  if (before !== undefined && first !== undefined) points.push(registerPoint(before, first, false, multiplier));
  for (let i = 1; i < readings.at.length; i += 1) points.push(registerStep(readings, i - 1, i, multiplier));
  return points;
}

function registerStep(readings: Columns, start: number, end: number, multiplier: number): CurvePoint {
  return registerPoint(readingAt(readings, start), readingAt(readings, end), dips(readings, start, end), multiplier);
}

function registerPoint(start: Reading, end: Reading, dipped: boolean, multiplier: number): CurvePoint {
  const span = { from: start.at, to: end.at };
  if (dipped || end.value < start.value) return { ...span, consumption: null, quality: "suspect" };
  return {
    ...span,
    ...stepAmount((end.value - start.value) * multiplier, worst(qualityIndexOf(start.code), qualityIndexOf(end.code))),
  };
}

/** A lower actual reading after a higher one, as in `ranBackwards`: the meter's own estimates may overshoot. */
function dips(readings: Columns, start: number, end: number): boolean {
  let highest = Number.NEGATIVE_INFINITY;
  for (let i = start; i <= end; i += 1) {
    if (qualityIndexOf(readings.code[i] as number) !== 0) continue;
    const value = readings.value[i] as number;
    if (value < highest) return true;
    highest = value;
  }
  return false;
}

/** Intervals of one quantity without overlaps, ascending; `stepSeconds` is the finest step among them. */
export interface Intervals {
  readonly from: readonly number[];
  readonly to: readonly number[];
  readonly value: readonly number[];
  readonly code: readonly number[];
  readonly stepSeconds: number;
}

/** One line of intervals from the channels of a register; where step lengths were mixed, no span counts twice. */
export function intervalsOf(series: readonly ReadingSeries[]): Intervals {
  const only = series[0];
  if (only === undefined) return { from: [], to: [], value: [], code: [], stepSeconds: 0 };
  const stepSeconds = Math.min(...series.map(({ channel }) => channel.stepSeconds));
  if (series.length > 1) return { ...withoutOverlaps(series), stepSeconds };
  return { from: only.at.map((at) => at - stepSeconds), to: only.at, value: only.value, code: only.code, stepSeconds };
}

function withoutOverlaps(series: readonly ReadingSeries[]): Omit<Intervals, "stepSeconds"> {
  const all = series
    .flatMap((one) => one.at.map((to, i) => ({ from: to - one.channel.stepSeconds, to, reading: readingAt(one, i) })))
    .sort((a, b) => a.to - b.to || b.from - a.from);
  const kept = { from: [] as number[], to: [] as number[], value: [] as number[], code: [] as number[] };
  for (const { from, to, reading } of all) {
    if (from < (kept.to.at(-1) ?? Number.NEGATIVE_INFINITY)) continue;
    kept.from.push(from);
    kept.to.push(to);
    kept.value.push(reading.value);
    kept.code.push(reading.code);
  }
  return kept;
}

/**
 * The curve of an interval channel: the sum of the intervals within each step, where they cover all of it. An interval
 * that reaches over an edge is not split, so it counts for no step.
 */
export function intervalCurve(intervals: Intervals, edges: readonly number[], multiplier: number): CurvePoint[] {
  const points: CurvePoint[] = [];
  let next = 0;
  for (let i = 0; i + 1 < edges.length; i += 1) {
    const from = edges[i] as number;
    const to = edges[i + 1] as number;
    const found = { sum: 0, present: 0, covered: 0, worst: 0 };
    for (; next < intervals.to.length && (intervals.to[next] as number) <= to; next += 1) {
      const start = intervals.from[next] as number;
      if (start < from) continue;
      found.sum += intervals.value[next] as number;
      found.present += 1;
      found.covered += (intervals.to[next] as number) - start;
      found.worst = Math.max(found.worst, qualityIndexOf(intervals.code[next] as number));
    }
    points.push(intervalStep(from, to, found, intervals.stepSeconds, multiplier));
  }
  return points;
}

function intervalStep(
  from: number,
  to: number,
  found: { sum: number; present: number; covered: number; worst: number },
  stepSeconds: number,
  multiplier: number,
): CurvePoint {
  if (found.present === 0) return { from, to, consumption: null, quality: "missing" };
  const uncovered = to - from - found.covered;
  if (uncovered === 0) return { from, to, ...stepAmount(found.sum * multiplier, worst(found.worst, 0)) };
  const expected = found.present + Math.ceil(uncovered / stepSeconds);
  return { from, to, consumption: null, quality: "incomplete", present: found.present, expected };
}

/**
 * Every interval as it came, and what is not there between them as `missing`, a point per step.
 *
 * @param cursor where the curve has come to; the answer's `cursor` is that of the next part of a longer range.
 * @param fillTo the end of the range; undefined where a later part follows.
 */
export function nativeIntervalCurve(
  intervals: Intervals,
  cursor: number,
  fillTo: number | undefined,
  multiplier: number,
): { points: CurvePoint[]; cursor: number } {
  const points: CurvePoint[] = [];
  let reached = cursor;
  for (let i = 0; i < intervals.to.length; i += 1) {
    const from = intervals.from[i] as number;
    if (from < reached) continue;
    pushMissing(points, reached, from, intervals.stepSeconds);
    reached = intervals.to[i] as number;
    const quality = worst(qualityIndexOf(intervals.code[i] as number), 0);
    points.push({ from, to: reached, ...stepAmount((intervals.value[i] as number) * multiplier, quality) });
  }
  if (fillTo !== undefined)
    pushMissing(points, reached, reached + wholeSteps(fillTo - reached, intervals.stepSeconds), intervals.stepSeconds);
  return { points, cursor: reached };
}

/** What leaves the safe integers is no amount, and says so by its quality. */
function stepAmount(computed: number, quality: SnapshotQuality): Pick<CurvePoint, "consumption" | "quality"> {
  const consumption = checkedAmount(computed);
  return { consumption, quality: consumption === null ? "suspect" : quality };
}

function pushMissing(points: CurvePoint[], from: number, to: number, stepSeconds: number): void {
  for (let start = from; start < to; start += stepSeconds) {
    points.push({ from: start, to: Math.min(start + stepSeconds, to), consumption: null, quality: "missing" });
  }
}

function wholeSteps(seconds: number, stepSeconds: number): number {
  return Math.floor(Math.max(seconds, 0) / stepSeconds) * stepSeconds;
}

function worst(a: number, b: number): SnapshotQuality {
  return snapshotQualities[Math.max(a, b)] as SnapshotQuality;
}
