import { checkedAmount } from "../quantity/amount.ts";
import type { ReadingSeries } from "../reading/reading.ts";
import { qualityIndexOf, readingQualities } from "../reading/reading.ts";
import type { LocalCalendar } from "../time/local-calendar.ts";
import { chooseIntervals, type Interval } from "../valuation/cover/cover-intervals.ts";
import { type CurvePoint, stepAmount, worst } from "./consumption-curve.ts";

/**
 * Intervals of one quantity without overlaps, ascending. `stepSeconds` is the length of most of them. Suspect ones are
 * among them where nothing else is, and count as no amount.
 */
export interface Intervals {
  readonly from: readonly number[];
  readonly to: readonly number[];
  readonly value: readonly number[];
  readonly code: readonly number[];
  readonly stepSeconds: number;
}

/** One line of intervals from the channels of a register: where some overlap, those that a month's sum would count. */
export function intervalsOf(series: readonly ReadingSeries[]): Intervals {
  const [only, ...others] = series;
  if (only === undefined) return { from: [], to: [], value: [], code: [], stepSeconds: 0 };
  const { stepSeconds } = only.channel;
  if (others.length === 0 && !haveOverlap(series)) {
    return {
      from: only.at.map((at) => at - stepSeconds),
      to: only.at,
      value: only.value,
      code: only.code,
      stepSeconds,
    };
  }
  return inColumns(withSuspects(chooseIntervals(series, Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY), series));
}

/** Whether a second is in two of the intervals, so that the choice depends on what else is there. */
export function haveOverlap(series: readonly ReadingSeries[]): boolean {
  const [only, ...others] = series;
  if (only !== undefined && others.length === 0) {
    const { at, channel } = only;
    return at.some((to, i) => i > 0 && to - channel.stepSeconds < (at[i - 1] as number));
  }
  const all = inOrder(series);
  return all.some(({ from }, i) => i > 0 && from < (all[i - 1] as Interval).to);
}

function inOrder(series: readonly ReadingSeries[]): Interval[] {
  return series
    .flatMap(({ channel, at, value, code }) =>
      at.map((to, i) => ({ from: to - channel.stepSeconds, to, value: value[i] as number, code: code[i] as number })),
    )
    .sort((a, b) => a.to - b.to || b.from - a.from);
}

/** Suspect intervals are not chosen: they stand where nothing else does. */
function withSuspects(chosen: readonly Interval[], series: readonly ReadingSeries[]): Interval[] {
  const line: Interval[] = [];
  let reached = Number.NEGATIVE_INFINITY;
  let next = 0;
  for (const one of inOrder(series)) {
    if (one.to === chosen[next]?.to && one.from === chosen[next]?.from && !isSuspect(one.code)) {
      line.push(chosen[next] as Interval);
      next += 1;
    } else if (!isSuspect(one.code) || one.from < reached || one.to > (chosen[next]?.from ?? one.to)) continue;
    else line.push(one);
    reached = one.to;
  }
  return line;
}

function isSuspect(code: number): boolean {
  return qualityIndexOf(code) === suspectIndex;
}

const suspectIndex = readingQualities.indexOf("suspect");

function inColumns(line: readonly Interval[]): Intervals {
  const seconds = new Map<number, number>();
  for (const { from, to } of line) seconds.set(to - from, (seconds.get(to - from) ?? 0) + to - from);
  const [stepSeconds = 0] = [...seconds].reduce((most, one) => (one[1] > most[1] ? one : most), [0, 0]);
  return {
    from: line.map(({ from }) => from),
    to: line.map(({ to }) => to),
    value: line.map(({ value }) => value),
    code: line.map(({ code }) => code),
    stepSeconds,
  };
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
    const found: Found = { sum: 0, present: 0, covered: 0, worst: 0, suspect: 0 };
    for (; next < intervals.to.length && (intervals.to[next] as number) <= to; next += 1) {
      if ((intervals.from[next] as number) >= from) addTo(found, intervals, next);
    }
    points.push(intervalStep({ from, to }, found, intervals.stepSeconds, multiplier));
  }
  return points;
}

/** What a step holds; lengths in seconds. */
interface Found {
  sum: number;
  present: number;
  covered: number;
  worst: number;
  suspect: number;
}

function addTo(found: Found, { from, to, value, code }: Intervals, index: number): void {
  const seconds = (to[index] as number) - (from[index] as number);
  const quality = qualityIndexOf(code[index] as number);
  if (quality === suspectIndex) {
    found.suspect += seconds;
    return;
  }
  found.sum += value[index] as number;
  found.present += 1;
  found.covered += seconds;
  found.worst = Math.max(found.worst, quality);
}

function intervalStep(span: CurveSpan, found: Found, stepSeconds: number, multiplier: number): CurvePoint {
  const uncovered = span.to - span.from - found.covered;
  if (uncovered === 0) return { ...span, ...stepAmount(found.sum * multiplier, worst(found.worst, 0)) };
  if (found.suspect === uncovered) return { ...span, consumption: null, quality: "suspect" };
  if (found.present === 0) return { ...span, consumption: null, quality: "missing" };
  const expected = found.present + stepsIn(uncovered, stepSeconds);
  return { ...span, consumption: null, quality: "incomplete", present: found.present, expected };
}

type CurveSpan = Pick<CurvePoint, "from" | "to">;

const shortestDaySeconds = 22 * 3600;
const shortestMonthSeconds = 27 * 86_400;

/** A local day may have 23 or 25 hours. */
function stepsIn(seconds: number, stepSeconds: number): number {
  if (stepSeconds < shortestDaySeconds) return Math.ceil(seconds / stepSeconds);
  return Math.max(1, Math.round(seconds / (stepSeconds < shortestMonthSeconds ? 86_400 : stepSeconds)));
}

/** How far a native curve has come, for the next part of a longer range. */
export interface CurveCursor {
  readonly reached: number;
  /** An interval was there, so that steps follow on from its end; before that only the range's start is known. */
  readonly hasBegun: boolean;
}

/** What a native curve of intervals has to know besides them. */
export interface NativeRange {
  /** Days and months are local. */
  readonly calendar: LocalCalendar;
  /** The end of the range; undefined where a later part follows. */
  readonly fillTo: number | undefined;
  readonly multiplier: number;
}

/**
 * Every interval that lies behind the cursor as it came, and what is not there between them as `missing`, step by step.
 */
export function nativeIntervalCurve(
  intervals: Intervals,
  { reached: start, hasBegun: hasBegunBefore }: CurveCursor,
  { calendar, fillTo, multiplier }: NativeRange,
): { points: CurvePoint[]; cursor: CurveCursor } {
  const points: CurvePoint[] = [];
  const { stepSeconds } = intervals;
  let [reached, hasBegun] = [start, hasBegunBefore];
  for (let i = 0; i < intervals.to.length; i += 1) {
    const from = intervals.from[i] as number;
    if (from < reached) continue;
    if (!hasBegun) reached = firstStep(calendar, reached, stepSeconds, from);
    pushMissing(points, { from: reached, to: from }, stepSeconds, calendar);
    [reached, hasBegun] = [intervals.to[i] as number, true];
    const quality = worst(qualityIndexOf(intervals.code[i] as number), 0);
    const amount = quality === "suspect" ? null : checkedAmount((intervals.value[i] as number) * multiplier);
    points.push({ from, to: reached, consumption: amount, quality: amount === null ? "suspect" : quality });
  }
  if (fillTo !== undefined) {
    if (!hasBegun) reached = firstStep(calendar, reached, stepSeconds, calendar.dayOf(reached));
    let end = reached;
    while (nextStep(calendar, end, stepSeconds) <= fillTo) end = nextStep(calendar, end, stepSeconds);
    pushMissing(points, { from: reached, to: end }, stepSeconds, calendar);
  }
  return { points, cursor: { reached, hasBegun } };
}

/** The first step that begins at or behind `from`, by the grid on which one begins at `phase`. */
function firstStep(calendar: LocalCalendar, from: number, stepSeconds: number, phase: number): number {
  if (stepSeconds >= shortestMonthSeconds) {
    const month = calendar.startOf(calendar.periodOf(from));
    return month === from ? from : calendar.boundaryOf(calendar.periodOf(from));
  }
  if (stepSeconds >= shortestDaySeconds) {
    const day = calendar.dayOf(from);
    return day === from ? from : calendar.addDays(day, 1);
  }
  return from + ((((phase - from) % stepSeconds) + stepSeconds) % stepSeconds);
}

function nextStep(calendar: LocalCalendar, at: number, stepSeconds: number): number {
  if (stepSeconds >= shortestMonthSeconds) return calendar.boundaryOf(calendar.periodOf(at));
  return stepSeconds >= shortestDaySeconds ? calendar.addDays(calendar.dayOf(at), 1) : at + stepSeconds;
}

function pushMissing(points: CurvePoint[], span: CurveSpan, stepSeconds: number, calendar: LocalCalendar): void {
  for (let from = span.from; from < span.to; ) {
    const to = Math.min(nextStep(calendar, from, stepSeconds), span.to);
    points.push({ from, to, consumption: null, quality: "missing" });
    from = to;
  }
}
