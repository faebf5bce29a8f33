import type { CurvePoint } from "@meterbook/core/domain/curve/consumption-curve";
import {
  intervalCurve,
  intervalsOf,
  nativeIntervalCurve,
  nativeRegisterCurve,
  registerCurve,
} from "@meterbook/core/domain/curve/consumption-curve";
import type { Resolution, SteppedResolution } from "@meterbook/core/domain/curve/curve-steps";
import { stepEdges } from "@meterbook/core/domain/curve/curve-steps";
import type { Kind, Reading, ReadingSeries } from "@meterbook/core/domain/reading/reading";
import { emptyColumns, readingAt } from "@meterbook/core/domain/reading/reading";
import type { LocalCalendar } from "@meterbook/core/domain/time/local-calendar";
import type { SeriesReader, StoredChannel } from "@meterbook/core/ports/series-store";

/** The channels of one register, all of one kind and unit; several only where the length of intervals was changed. */
export interface CurveSource {
  readonly meterId: string;
  readonly channels: readonly [StoredChannel, ...StoredChannel[]];
  readonly calendar: LocalCalendar;
  readonly multiplier: number;
}

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
    const found = await read(series, source, edges[0] as number, edges.at(-1) as number);
    yield kindOf(source) === "register"
      ? registerCurve(found[0] ?? emptyColumns(), edges, source.multiplier)
      : intervalCurve(intervalsOf(found), edges, source.multiplier);
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
    const [readings = emptyColumns()] = await read(series, source, from, last);
    yield nativeRegisterCurve(readings, before, source.multiplier);
    if (readings.at.length > 0) before = readingAt(readings, readings.at.length - 1);
  }
}

async function* nativeIntervalPages(
  series: SeriesReader,
  source: CurveSource,
  range: CurveRange,
): AsyncGenerator<readonly CurvePoint[]> {
  const stepSeconds = Math.min(...source.channels.map((channel) => channel.stepSeconds));
  let cursor = Math.ceil(range.from / stepSeconds) * stepSeconds;
  for (const { from, to } of months(source.calendar, range)) {
    const found = await read(series, source, from + 1, to);
    const intervals = { ...intervalsOf(found), stepSeconds };
    const part = nativeIntervalCurve(intervals, cursor, to === range.to ? to : undefined, source.multiplier);
    cursor = part.cursor;
    yield part.points;
  }
}

function* months(calendar: LocalCalendar, { from, to }: CurveRange): Generator<{ from: number; to: number }> {
  for (let start = from; start < to; ) {
    const end = Math.min(calendar.boundaryOf(calendar.periodOf(start)), to);
    yield { from: start, to: end };
    start = end;
  }
}

async function read(
  series: SeriesReader,
  { meterId, channels }: CurveSource,
  from: number,
  to: number,
): Promise<readonly ReadingSeries[]> {
  return series.read(meterId, { from, to, channels: channels.map(({ index }) => index) });
}
