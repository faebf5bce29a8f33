import { closingRules, columnsOf } from "@meterbook/core/domain/closing-value";
import type { LocalCalendar } from "@meterbook/core/domain/local-calendar";
import type { IntervalFacts, Span } from "@meterbook/core/domain/period-facts";
import type { Columns, Reading, ReadingCode } from "@meterbook/core/domain/reading";
import { channelKey, readingQualities } from "@meterbook/core/domain/reading";
import { sharedValues } from "@meterbook/core/domain/shared-values";
import type { StoredChannel } from "@meterbook/core/ports/series-store";

/**
 * What the aggregator remembers of one channel, so that a reading that follows the newest one needs no look-up and a
 * month closes by a walk over memory. Everything here can be had again from the store, and `irregular` says for which
 * stretch of time it must be: late, estimated or backward readings are rare, and there the store is asked.
 */
export interface ChannelState {
  readonly channel: PlacedChannel;
  first: Reading;
  newestAt: number;
  newestValue: number;
  newestCode: ReadingCode;
  /** The boundary after the newest reading; 0 where none is remembered. */
  nextBoundary: number;
  /** What stands around the newest boundary that readings have crossed. */
  crossing: Crossing | undefined;
  /**
   * A better quality than this behind that boundary matters: 4 where nothing stands there yet, 0 where no boundary was crossed. Kept
   * here so that a reading need not look into `crossing`, which is seldom in the caches.
   */
  qualityAfter: number;
  /** Nothing is irregular where `irregularTo` is -1. No infinities: V8 would box them, for each channel of millions of meters. */
  irregularFrom: number;
  irregularTo: number;
  month: MonthTotals | undefined;
  monthBefore: MonthTotals | undefined;
}

/** One object for all meters that have such a channel in that place, so that the hot path finds it in the caches. */
export type PlacedChannel = Omit<StoredChannel, "first">;

const placedChannels = sharedValues<PlacedChannel>(10_000);

function placed(channel: PlacedChannel): PlacedChannel {
  const { register, kind, unit, stepSeconds, index } = channel;
  return placedChannels(`${index} ${channelKey(channel)}`, () => ({ register, kind, unit, stepSeconds, index }));
}

interface Crossing {
  readonly boundary: number;
  readonly before: Reading | undefined;
  after: Reading | undefined;
}

interface MonthTotals {
  readonly span: Span;
  sum: number;
  present: number;
  worst: number;
  lastAt: number;
}

/** @param newestAt no reading of the channel is newer; -1 where it has none at all. */
export function channelState(channel: StoredChannel, newestAt: number): ChannelState {
  return fresh(placed(channel), channel.first, newestAt);
}

/** Knows no more than the channel and its first reading, as after a start. */
export function forget(state: ChannelState, newestAt: number): void {
  Object.assign(state, fresh(state.channel, state.first, newestAt));
}

function fresh(channel: PlacedChannel, first: Reading, newestAt: number): ChannelState {
  return {
    channel,
    first,
    newestAt,
    newestValue: 0,
    newestCode: 0,
    nextBoundary: 0,
    crossing: undefined,
    qualityAfter: 0,
    irregularFrom: 0,
    irregularTo: -1,
    month: undefined,
    monthBefore: undefined,
  };
}

/**
 * Takes a reading that is newer than all others. Answers the boundary of which it is the first reading after, or the first of a better
 * quality, where that can matter (behind an exact actual reading it cannot), else 0.
 */
export function advance(
  state: ChannelState,
  at: number,
  value: number,
  code: ReadingCode,
  calendar: LocalCalendar,
): number {
  if (state.channel.kind === "interval") {
    addInterval(state, at, value, code, calendar);
    state.newestAt = at;
    return 0;
  }
  let crossed = 0;
  if (at >= state.nextBoundary) crossed = cross(state, { at, value, code }, calendar);
  else if ((code & 3) < state.qualityAfter) crossed = betterAfter(state, { at, value, code });
  if ((code & 3) !== 0) markIrregular(state, at, at);
  else if (value < state.newestValue && (state.newestCode & 3) === 0) markIrregular(state, state.newestAt, at);
  state.newestAt = at;
  state.newestValue = value;
  state.newestCode = code;
  return crossed;
}

function cross(state: ChannelState, reading: Reading, calendar: LocalCalendar): number {
  const period = calendar.periodOf(reading.at);
  const boundary = calendar.startOf(period);
  const newest = newestOf(state);
  const exact = reading.at === boundary;
  state.crossing = { boundary, before: exact ? reading : newest, after: exact ? undefined : reading };
  state.qualityAfter = exact ? 4 : reading.code & 3;
  state.nextBoundary = calendar.boundaryOf(period);
  if (state.irregularTo < boundary - closingRules.lookBackSecondsMax - 32 * 86_400) clearIrregular(state);
  return boundary;
}

/** What stands behind a boundary as an estimate gives way to what is measured (closing-value.ts climbs with actual readings first). */
function betterAfter(state: ChannelState, reading: Reading): number {
  const crossing = state.crossing as Crossing;
  crossing.after = reading;
  state.qualityAfter = reading.code & 3;
  return isExactActual(crossing) ? 0 : crossing.boundary;
}

function isExactActual({ boundary, before }: Crossing): boolean {
  return before?.at === boundary && (before.code & 3) === 0;
}

function newestOf(state: ChannelState): Reading | undefined {
  if (state.nextBoundary === 0) return undefined;
  return { at: state.newestAt, value: state.newestValue, code: state.newestCode };
}

/** A reading that was accepted out of order, or changed: memory no longer tells the whole of that stretch. */
export function markIrregular(state: ChannelState, from: number, to: number): void {
  state.irregularFrom = state.irregularTo === -1 ? from : Math.min(state.irregularFrom, from);
  state.irregularTo = Math.max(state.irregularTo, to);
}

function clearIrregular(state: ChannelState): void {
  state.irregularFrom = 0;
  state.irregularTo = -1;
}

/** Takes a late reading into what is remembered. */
export function admitLate(state: ChannelState, reading: Reading, calendar: LocalCalendar): void {
  if (reading.at < state.first.at) state.first = reading;
  if (state.channel.kind === "interval") addInterval(state, reading.at, reading.value, reading.code, calendar);
  else markIrregular(state, reading.at, reading.at);
}

function addInterval(state: ChannelState, at: number, value: number, code: ReadingCode, calendar: LocalCalendar): void {
  const from = at - state.channel.stepSeconds;
  const totals = totalsAt(state, from, calendar);
  if (totals === undefined) return;
  if (at > totals.span.boundary) {
    markIrregular(state, from, at);
    return;
  }
  totals.sum += value;
  totals.present += 1;
  totals.worst = Math.max(totals.worst, code & 3);
  totals.lastAt = Math.max(totals.lastAt, at);
}

/** The totals of the month in which an interval begins; undefined for months further back than is remembered. */
function totalsAt(state: ChannelState, from: number, calendar: LocalCalendar): MonthTotals | undefined {
  const { month, monthBefore } = state;
  if (month !== undefined && from >= month.span.start) {
    if (from < month.span.boundary) return month;
    state.monthBefore = month;
  } else if (month !== undefined) {
    return monthBefore !== undefined && from >= monthBefore.span.start && from < monthBefore.span.boundary
      ? monthBefore
      : undefined;
  }
  const period = calendar.periodOf(from);
  const span = { start: calendar.startOf(period), boundary: calendar.boundaryOf(period) };
  state.month = { span, sum: 0, present: 0, worst: 0, lastAt: 0 };
  return state.month;
}

/** The readings around a boundary where memory knows them; undefined where the store must be asked. */
export function rememberedAround(state: ChannelState, span: Span): Columns | undefined {
  const { boundary, start } = span;
  const from = Math.min(start, boundary - closingRules.lookBackSecondsMax);
  if (state.irregularTo >= from && state.irregularFrom <= boundary + closingRules.flatGapSecondsMax) return undefined;
  if (state.crossing?.boundary === boundary) return columnsOf(state.crossing.before, state.crossing.after);
  const newest = newestOf(state);
  return newest !== undefined && newest.at < boundary ? columnsOf(newest) : undefined;
}

/** The month's interval facts where memory knows them. */
export function rememberedIntervals(state: ChannelState, span: Span): IntervalFacts | undefined {
  if (state.month === undefined || (state.irregularTo >= span.start && state.irregularFrom <= span.boundary))
    return undefined;
  const step = state.channel.stepSeconds;
  const totals = [state.month, state.monthBefore].find((month) => month?.span.start === span.start);
  if (totals === undefined && state.newestAt > span.start) return undefined;
  const present = totals?.present ?? 0;
  return {
    kind: "interval",
    register: state.channel.register,
    unit: state.channel.unit,
    sum: totals?.sum ?? 0,
    present,
    expected: present + Math.ceil((span.boundary - span.start - present * step) / step),
    quality: readingQualities[totals?.worst ?? 0] ?? "suspect",
    lastAt: present === 0 ? null : (totals?.lastAt ?? null),
  };
}
