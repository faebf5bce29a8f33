import type { CurvePoint } from "@meterbook/core/domain/curve/consumption-curve";
import type { Resolution, SteppedResolution } from "@meterbook/core/domain/curve/curve-steps";
import { stepEdges } from "@meterbook/core/domain/curve/curve-steps";
import type { CurveCursor, Intervals } from "@meterbook/core/domain/curve/interval-curve";
import {
  haveOverlap,
  intervalCurve,
  intervalsOf,
  nativeIntervalCurve,
} from "@meterbook/core/domain/curve/interval-curve";
import { judgedRegisterCurve, nativeJudgedCurve, within } from "@meterbook/core/domain/curve/judged-curve";
import type { Kind, Reading, ReadingSeries } from "@meterbook/core/domain/reading/reading";
import { readingAt } from "@meterbook/core/domain/reading/reading";
import type { LocalCalendar } from "@meterbook/core/domain/time/local-calendar";
import type { SeriesReader } from "@meterbook/core/ports/series-store";
import type { CurveSource } from "./curve-source.ts";
import { judgedReadings, markedIntervals } from "./judged-readings.ts";

export interface CurveRange {
  readonly resolution: Resolution;
  /** Seconds UTC, `from < to`. */
  readonly from: number;
  readonly to: number;
}

/** The curve month by month: one read of the store and one page of points each, so that memory follows a month. */
export function curvePages(
  series: SeriesReader,
  source: CurveSource,
  range: CurveRange,
): AsyncGenerator<readonly CurvePoint[]> {
  const { resolution } = range;
  if (resolution !== "native") return steppedPages(series, source, range, resolution);
  return kindOf(source) === "register"
    ? nativeRegisterPages(series, source, range)
    : nativeIntervalPages(series, source, range);
}

export function kindOf({ channels }: CurveSource): Kind {
  return channels[0].kind;
}

async function* steppedPages(
  series: SeriesReader,
  source: CurveSource,
  range: CurveRange,
  resolution: SteppedResolution,
): AsyncGenerator<readonly CurvePoint[]> {
  for (const { from, to } of months(source.calendar, range)) {
    const edges = stepEdges(source.calendar, resolution, from, to);
    const span = { from: edges[0] as number, to: edges.at(-1) as number };
    if (kindOf(source) === "interval") {
      yield intervalCurve(await chosenIntervals(series, source, span), edges, source.multiplier);
      continue;
    }
    yield judgedRegisterCurve(await judgedReadings(series, source, span), edges, source.multiplier);
  }
}

async function* nativeRegisterPages(
  series: SeriesReader,
  source: CurveSource,
  range: CurveRange,
): AsyncGenerator<readonly CurvePoint[]> {
  let before: Reading | undefined;
  for (const { from, to } of months(source.calendar, range)) {
    const last = to === range.to ? to : to - 1;
    const judged = await judgedReadings(series, source, { from, to: last });
    yield nativeJudgedCurve(judged, before, { from, to: last }, source.multiplier);
    const own = within(judged.readings, from, last);
    if (own.at.length > 0) before = readingAt(own, own.at.length - 1);
  }
}

async function* nativeIntervalPages(
  series: SeriesReader,
  source: CurveSource,
  range: CurveRange,
): AsyncGenerator<readonly CurvePoint[]> {
  const { calendar, multiplier } = source;
  const usual = Math.min(...source.channels.map((channel) => channel.stepSeconds));
  let stepSeconds = 0;
  let cursor: CurveCursor = { reached: range.from, hasBegun: false };
  for (const { from, to } of months(calendar, range)) {
    const intervals = await chosenIntervals(series, source, { from, to });
    // A month without any is as long as the one before.
    stepSeconds = intervals.stepSeconds || stepSeconds || usual;
    const fillTo = to === range.to ? to : undefined;
    const part = nativeIntervalCurve({ ...intervals, stepSeconds }, cursor, { calendar, fillTo, multiplier });
    cursor = part.cursor;
    yield part.points;
  }
}

/**
 * The intervals that end behind `from` and at or before `to`, which lie in one month. Where some overlap, the choice is
 * that of the whole month, so that a part of it adds up to what the month does.
 */
async function chosenIntervals(
  series: SeriesReader,
  source: CurveSource,
  { from, to }: { readonly from: number; readonly to: number },
): Promise<Intervals> {
  const found = await read(series, source, from + 1, to);
  if (!haveOverlap(found)) return intervalsOf(found);
  const { calendar } = source;
  const period = calendar.periodOf(from);
  const [start, boundary] = [calendar.startOf(period), calendar.boundaryOf(period)];
  const chosen = intervalsOf(await read(series, source, start + 1, Math.max(boundary, to)));
  return between(chosen, from, to);
}

function between(intervals: Intervals, from: number, to: number): Intervals {
  const isWithin = (_: number, index: number) => {
    const end = intervals.to[index] as number;
    return end > from && end <= to;
  };
  return {
    from: intervals.from.filter(isWithin),
    to: intervals.to.filter(isWithin),
    value: intervals.value.filter(isWithin),
    code: intervals.code.filter(isWithin),
    stepSeconds: intervals.stepSeconds,
  };
}

function* months(calendar: LocalCalendar, { from, to }: CurveRange): Generator<{ from: number; to: number }> {
  for (let start = from; start < to; ) {
    const end = Math.min(calendar.boundaryOf(calendar.periodOf(start)), to);
    yield { from: start, to: end };
    start = end;
  }
}

/** Intervals as they are judged. */
async function read(
  series: SeriesReader,
  source: CurveSource,
  from: number,
  to: number,
): Promise<readonly ReadingSeries[]> {
  const { meterId, channels } = source;
  const found = await series.read(meterId, { from, to, channels: channels.map(({ index }) => index) });
  return found.map((one) => markedIntervals(one, source));
}
