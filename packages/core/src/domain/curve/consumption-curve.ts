import { checkedAmount } from "../quantity/amount.ts";
import type { Columns, Reading } from "../reading/reading.ts";
import { lowerBound, qualityIndexOf, readingAt } from "../reading/reading.ts";
import type { SnapshotQuality } from "../snapshot/snapshot.ts";
import { snapshotQualities } from "../snapshot/snapshot.ts";

/**
 * What was used over `[from, to)`, seconds UTC, in base units times the multiplier. `null` with quality
 * - `missing`: a reading at an end of the step, or all of its intervals, are not there (nothing is interpolated);
 * - `incomplete`: some of its intervals are there, `present` of `expected`;
 * - `suspect`: the register ran backwards within the step, or what is there of its intervals is suspect.
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

/** What leaves the safe integers is no amount, and says so by its quality. */
export function stepAmount(computed: number, quality: SnapshotQuality): Pick<CurvePoint, "consumption" | "quality"> {
  const consumption = checkedAmount(computed);
  return { consumption, quality: consumption === null ? "suspect" : quality };
}

/** By the indexes of two qualities. */
export function worst(a: number, b: number): SnapshotQuality {
  return snapshotQualities[Math.max(a, b)] as SnapshotQuality;
}
