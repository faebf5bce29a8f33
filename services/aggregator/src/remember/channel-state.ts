import { closingRules, columnsOf } from "@meterbook/core/domain/closing/closing-value";
import type { IntervalFacts, Span } from "@meterbook/core/domain/closing/period-facts";
import type { Columns, Reading, ReadingCode } from "@meterbook/core/domain/reading/reading";
import { channelKey, qualityIndexOf, readingQualities } from "@meterbook/core/domain/reading/reading";
import { sharedValues } from "@meterbook/core/domain/reading/shared-values";
import type { LocalCalendar } from "@meterbook/core/domain/time/local-calendar";
import type { StoredChannel } from "@meterbook/core/ports/series-store";
import type { ChannelRow } from "./channel-memory.ts";
import { clearReading, get, getReading, set, setReading } from "./channel-memory.ts";
import { addInterval, hasMonths, monthTotals } from "./interval-months.ts";

/**
 * What the aggregator remembers of one channel, so that a reading that follows the newest one needs no look-up and a
 * month closes by a walk over memory. Everything here can be had again from the store, and the irregular stretch is the
 * one for which it must be: late, estimated or backward readings are rare, and there the store is asked. Nothing but
 * this file and interval-months.ts looks into a row.
 */
export interface ChannelState extends ChannelRow {
  readonly channel: PlacedChannel;
}

/** One object for all meters that have such a channel in that place, so that the hot path finds it in the caches. */
export type PlacedChannel = Omit<StoredChannel, "first">;

const placedChannels = sharedValues<PlacedChannel>(10_000);

function placed(channel: PlacedChannel): PlacedChannel {
  const { register, kind, unit, stepSeconds, index } = channel;
  return placedChannels(`${index} ${channelKey(channel)}`, () => ({ register, kind, unit, stepSeconds, index }));
}

/**
 * The fields of a row. From 3 to 12 these are a register's; an interval channel has its months there
 * (interval-months.ts). What is never forgotten comes last.
 */
const fields = {
  newestAt: 0,
  irregularFrom: 1,
  /** -1 where nothing is irregular. */
  irregularTo: 2,
  newestValue: 3,
  newestCode: 4,
  /** The boundary after the newest reading; 0 where none is remembered. */
  nextBoundary: 5,
  /**
   * A better quality than this behind the passed boundary matters: 4 where nothing stands there yet, 0 where none was
   * passed.
   */
  qualityAfter: 6,
  /** The newest boundary that readings have passed, 0 where there is none, and the readings on both of its sides. */
  passedBoundary: 7,
  before: 8,
  after: 10,
  first: 14,
} as const;

/** @param newestAt no reading of the channel is newer; -1 where it has none at all. */
export function channelState(channel: StoredChannel, row: ChannelRow, newestAt: number): ChannelState {
  const state = { channel: placed(channel), block: row.block, base: row.base };
  setReading(state, fields.first, channel.first);
  forget(state, newestAt);
  return state;
}

/** Knows no more than the channel and its first reading, as after a start. */
export function forget(state: ChannelState, newestAt: number): void {
  const { block, base } = state;
  block.fill(0, base, base + fields.first);
  set(state, fields.newestAt, newestAt);
  set(state, fields.irregularTo, -1);
}

/** No reading of the channel is newer. */
export function newestAtOf(state: ChannelState): number {
  return get(state, fields.newestAt);
}

export function firstOf(state: ChannelState): Reading {
  return getReading(state, fields.first) as Reading;
}

/** Takes a reading that is newer than all others without remembering more than that. */
export function advanceNewestOnly(state: ChannelState, at: number): void {
  set(state, fields.newestAt, at);
}

/**
 * Takes a reading that is newer than all others. Answers the boundary of which it is the first reading after, or the
 * first of a better quality, where that can matter (behind an exact actual reading it cannot), else 0.
 */
export function advance(
  state: ChannelState,
  at: number,
  value: number,
  code: ReadingCode,
  calendar: LocalCalendar,
): number {
  if (state.channel.kind === "interval") {
    takeInterval(state, at, value, code, calendar);
    set(state, fields.newestAt, at);
    return 0;
  }
  const quality = qualityIndexOf(code);
  let passedBoundary = 0;
  if (at >= get(state, fields.nextBoundary)) passedBoundary = passBoundary(state, { at, value, code }, calendar);
  else if (quality < get(state, fields.qualityAfter)) passedBoundary = betterAfter(state, { at, value, code });
  if (quality !== 0) markIrregular(state, at, at);
  else if (value < get(state, fields.newestValue) && qualityIndexOf(get(state, fields.newestCode)) === 0)
    markIrregular(state, get(state, fields.newestAt), at);
  set(state, fields.newestAt, at);
  set(state, fields.newestValue, value);
  set(state, fields.newestCode, code);
  return passedBoundary;
}

function passBoundary(state: ChannelState, reading: Reading, calendar: LocalCalendar): number {
  const period = calendar.periodOf(reading.at);
  const boundary = calendar.startOf(period);
  const exact = reading.at === boundary;
  const before = exact ? reading : newestOf(state);
  set(state, fields.passedBoundary, boundary);
  if (before === undefined) clearReading(state, fields.before);
  else setReading(state, fields.before, before);
  if (exact) clearReading(state, fields.after);
  else setReading(state, fields.after, reading);
  set(state, fields.qualityAfter, exact ? 4 : qualityIndexOf(reading.code));
  set(state, fields.nextBoundary, calendar.boundaryOf(period));
  if (get(state, fields.irregularTo) < boundary - closingRules.lookBackSecondsMax - 32 * 86_400) clearIrregular(state);
  return boundary;
}

/**
 * What stands behind a boundary as an estimate gives way to what is measured (closing-value.ts climbs with actual
 * readings first).
 */
function betterAfter(state: ChannelState, reading: Reading): number {
  const boundary = get(state, fields.passedBoundary);
  const before = getReading(state, fields.before);
  setReading(state, fields.after, reading);
  set(state, fields.qualityAfter, qualityIndexOf(reading.code));
  return before?.at === boundary && qualityIndexOf(before.code) === 0 ? 0 : boundary;
}

function newestOf(state: ChannelState): Reading | undefined {
  if (get(state, fields.nextBoundary) === 0) return undefined;
  const [at, value] = [get(state, fields.newestAt), get(state, fields.newestValue)];
  return { at, value, code: get(state, fields.newestCode) };
}

/** A reading that was accepted out of order, or changed: memory no longer tells the whole of that stretch. */
export function markIrregular(state: ChannelState, from: number, to: number): void {
  const known = get(state, fields.irregularTo);
  set(state, fields.irregularFrom, known === -1 ? from : Math.min(get(state, fields.irregularFrom), from));
  set(state, fields.irregularTo, Math.max(known, to));
}

function clearIrregular(state: ChannelState): void {
  set(state, fields.irregularFrom, 0);
  set(state, fields.irregularTo, -1);
}

/** Whether something is irregular from `from` to `to`, both among it. */
function isIrregular(state: ChannelState, from: number, to: number): boolean {
  return get(state, fields.irregularTo) >= from && get(state, fields.irregularFrom) <= to;
}

/** Takes a late reading into what is remembered. */
export function admitLate(state: ChannelState, reading: Reading, calendar: LocalCalendar): void {
  if (reading.at < firstOf(state).at) setReading(state, fields.first, reading);
  if (state.channel.kind === "interval") takeInterval(state, reading.at, reading.value, reading.code, calendar);
  else markIrregular(state, reading.at, reading.at);
}

function takeInterval(
  state: ChannelState,
  at: number,
  value: number,
  code: ReadingCode,
  calendar: LocalCalendar,
): void {
  const { stepSeconds } = state.channel;
  if (!addInterval(state, { at, value, code }, stepSeconds, calendar)) markIrregular(state, at - stepSeconds, at);
}

/** The readings around a boundary where memory knows them; undefined where the store must be asked. */
export function rememberedAround(state: ChannelState, { boundary, start }: Span): Columns | undefined {
  const from = Math.min(start, boundary - closingRules.lookBackSecondsMax);
  if (isIrregular(state, from, boundary + closingRules.flatGapSecondsMax)) return undefined;
  if (get(state, fields.passedBoundary) === boundary)
    return columnsOf(getReading(state, fields.before), getReading(state, fields.after));
  const newest = newestOf(state);
  return newest !== undefined && newest.at < boundary ? columnsOf(newest) : undefined;
}

/** The month's interval facts where memory knows them. */
export function rememberedIntervals(state: ChannelState, span: Span): IntervalFacts | undefined {
  if (!hasMonths(state) || isIrregular(state, span.start, span.boundary)) return undefined;
  const { register, unit, stepSeconds } = state.channel;
  const totals = monthTotals(state, span.start);
  if (totals === undefined && newestAtOf(state) > span.start) return undefined;
  const { sum, present, worst, lastAt } = totals ?? { sum: 0, present: 0, worst: 0, lastAt: 0 };
  return {
    kind: "interval",
    register,
    unit,
    sum,
    present,
    expected: present + Math.ceil((span.boundary - span.start - present * stepSeconds) / stepSeconds),
    quality: readingQualities[worst] ?? "suspect",
    lastAt: present === 0 ? null : lastAt,
  };
}
