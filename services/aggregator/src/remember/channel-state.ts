import { beginsEarlier, isTooOld } from "@meterbook/core/domain/reading/first-reading";
import type { Reading, ReadingCode } from "@meterbook/core/domain/reading/reading";
import { channelKey, hasRemark, qualityIndexOf } from "@meterbook/core/domain/reading/reading";
import { sharedValues } from "@meterbook/core/domain/reading/shared-values";
import type { LocalCalendar } from "@meterbook/core/domain/time/local-calendar";
import type { Cover } from "@meterbook/core/domain/valuation/cover/cover-intervals";
import { absentSteps } from "@meterbook/core/domain/valuation/cover/cover-intervals";
import type { Span } from "@meterbook/core/domain/valuation/month";
import { valuationRules } from "@meterbook/core/domain/valuation/valuation-rules";
import type { StoredChannel } from "@meterbook/core/ports/series-store";
import type { ChannelRow } from "./channel-memory.ts";
import { clearReading, get, getReading, set, setReading } from "./channel-memory.ts";
import { type Circumstances, isSpikeLike, isTooMuch } from "./circumstances.ts";
import { addInterval, hasMonths, monthTotals } from "./interval-months.ts";

/**
 * What the aggregator remembers of one channel, so that a reading that follows the newest one needs no look-up and a
 * month closes by a walk over memory. It is a shortcut for the tidy: readings in order, credible, without overlap. What
 * is not tidy is remembered as irregular only, and the months that it can touch are made from the store. Nothing but
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
  /** A register's: how many readings have come in order since something was irregular. */
  sinceIrregular: 12,
  /** The sum of `marks`. */
  marks: 13,
  first: 14,
} as const;

/**
 * `isOffPhase`: some intervals end at another phase than the first. `isFirstTooOld`: only what is too old is known
 * (V09).
 */
const marks = { isOffPhase: 1, isFirstTooOld: 2 } as const;

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
  if (isTooOld(firstOf(state).code)) set(state, fields.marks, marks.isFirstTooOld);
}

/** Whether nothing of the channel is known that may be believed by itself. */
export function isOnlyTooOld(state: ChannelState): boolean {
  return get(state, fields.marks) >= marks.isFirstTooOld;
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

/** What is irregular so long before a month is past and gone for it. */
const irregularBeforeSeconds = 36 * 86_400;
/** Instead of an instant: what is made of the months before may change. */
export const unordered = -1;
/** Instead of an instant: what stands before the reading is not remembered. */
const unknownBefore = 1;
/** So many readings behind something irregular can still change what is made of it; more where more are glitches. */
const unsettledReadingsMin = 4;

/**
 * Takes a reading that is newer than all others. If it is the first behind one boundary or more, or the first of a
 * better quality there, answers the instant behind the reading before: it decides the boundaries from then on. Answers
 * 0 where it decides none (behind an exact actual reading it cannot), and `unordered` of a reading that contradicts
 * what came before, or comes soon behind such a one.
 */
export function advance(
  state: ChannelState,
  at: number,
  value: number,
  code: ReadingCode,
  circumstances: Circumstances,
): number {
  if (state.channel.kind === "interval") {
    takeInterval(state, { at, value, code }, circumstances);
    set(state, fields.newestAt, at);
    return 0;
  }
  const { calendar } = circumstances;
  const quality = qualityIndexOf(code);
  let decidesFrom = 0;
  if (at >= get(state, fields.nextBoundary)) decidesFrom = passBoundary(state, { at, value, code }, calendar);
  else if (quality < get(state, fields.qualityAfter)) decidesFrom = betterAfter(state, { at, value, code });
  const contradicts = isContradiction(state, at, value, circumstances);
  const isJudgedAnew = contradicts || isUnsettled(state, at, circumstances);
  if (contradicts) markIrregular(state, get(state, fields.newestAt), at);
  else if (quality !== 0 || hasRemark(code)) markIrregular(state, at, at);
  set(state, fields.newestAt, at);
  set(state, fields.newestValue, value);
  set(state, fields.newestCode, code);
  return isJudgedAnew ? unordered : decidesFrom;
}

/** V13 and V17, as far as two neighbours tell. */
function isContradiction(state: ChannelState, at: number, value: number, circumstances: Circumstances): boolean {
  if (get(state, fields.nextBoundary) === 0) return false;
  const counted = value - get(state, fields.newestValue);
  if (counted < 0) return true;
  return isTooMuch(state.channel, counted, at - get(state, fields.newestAt), circumstances);
}

/**
 * Whether a reading comes so soon behind something irregular that it can still change what is made of that. So few may
 * be left out with it (V13), so they are irregular too, however long nothing comes behind them.
 */
function isUnsettled(state: ChannelState, at: number, { rules }: Circumstances): boolean {
  if (get(state, fields.irregularTo) < 0 || get(state, fields.nextBoundary) === 0) return false;
  const since = get(state, fields.sinceIrregular) + 1;
  set(state, fields.sinceIrregular, since);
  const isSoon = since <= Math.max(unsettledReadingsMin, rules.glitchReadingsMax + 1);
  if (isSoon) set(state, fields.irregularTo, Math.max(get(state, fields.irregularTo), at));
  return isSoon;
}

function passBoundary(state: ChannelState, reading: Reading, calendar: LocalCalendar): number {
  const period = calendar.periodOf(reading.at);
  const boundary = calendar.startOf(period);
  const exact = reading.at === boundary;
  const newest = newestOf(state);
  const before = exact ? reading : newest;
  set(state, fields.passedBoundary, boundary);
  if (before === undefined) clearReading(state, fields.before);
  else setReading(state, fields.before, before);
  if (exact) clearReading(state, fields.after);
  else setReading(state, fields.after, reading);
  set(state, fields.qualityAfter, exact ? 4 : qualityIndexOf(reading.code));
  set(state, fields.nextBoundary, calendar.boundaryOf(period));
  const isPast = get(state, fields.irregularTo) < boundary - irregularBeforeSeconds - 32 * 86_400;
  // However long ago: where nothing came since, what is irregular stands before this boundary.
  if (isPast && (newest === undefined || newest.at > get(state, fields.irregularTo))) clearIrregular(state);
  return newest === undefined ? unknownBefore : newest.at + 1;
}

/** What stands behind a boundary as an estimate gives way to what is measured. */
function betterAfter(state: ChannelState, reading: Reading): number {
  const boundary = get(state, fields.passedBoundary);
  const before = getReading(state, fields.before);
  setReading(state, fields.after, reading);
  set(state, fields.qualityAfter, qualityIndexOf(reading.code));
  if (before === undefined) return unknownBefore;
  if (before.at < boundary) return before.at + 1;
  return qualityIndexOf(before.code) === 0 ? 0 : unknownBefore;
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
  if (state.channel.kind === "register") set(state, fields.sinceIrregular, 0);
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
export function admitLate(state: ChannelState, reading: Reading, circumstances: Circumstances): void {
  if (beginsEarlier(reading, firstOf(state))) begin(state, reading);
  set(state, fields.newestAt, Math.max(get(state, fields.newestAt), reading.at));
  if (state.channel.kind === "interval") takeInterval(state, reading, circumstances);
  else markIrregular(state, reading.at, reading.at);
}

function begin(state: ChannelState, reading: Reading): void {
  setReading(state, fields.first, reading);
  const known = get(state, fields.marks) % marks.isFirstTooOld;
  set(state, fields.marks, known + (isTooOld(reading.code) ? marks.isFirstTooOld : 0));
  // What was remembered of readings before it is the store's to tell.
  markIrregular(state, 0, reading.at);
}

function takeInterval(state: ChannelState, reading: Reading, circumstances: Circumstances): void {
  const { stepSeconds } = state.channel;
  const { at, value, code } = reading;
  const isSound =
    qualityIndexOf(code) < 3 &&
    !overlaps(state, at) &&
    !isTooMuch(state.channel, value, stepSeconds, circumstances) &&
    !hasRemark(code) &&
    !isSpikeLike(state.channel, value, circumstances);
  if (!addInterval(state, reading, stepSeconds, circumstances.calendar) || !isSound)
    markIrregular(state, at - stepSeconds, at);
}

/** Whether an interval can lie over another one of the channel: as far as can be told without the store. */
function overlaps(state: ChannelState, at: number): boolean {
  const { stepSeconds } = state.channel;
  const isLate = at <= get(state, fields.newestAt);
  const isOfPhase = (at - firstOf(state).at) % stepSeconds === 0;
  const known = get(state, fields.marks);
  if (isOfPhase && known % marks.isFirstTooOld === 0) return false;
  if (known % marks.isFirstTooOld === 0) set(state, fields.marks, known + marks.isOffPhase);
  return isLate || at - stepSeconds < get(state, fields.newestAt);
}

/** Whether memory tells all that a register's month depends on, which begins with the reading before its end. */
function isTidy(state: ChannelState, { start, boundary }: Span, firstAt: number): boolean {
  const from = Math.min(start - irregularBeforeSeconds, firstAt);
  return !isIrregular(state, from, boundary + valuationRules.reachSecondsMax);
}

/** The readings around a boundary where memory knows them; undefined where the store must be asked. */
export function rememberedAround(state: ChannelState, span: Span): readonly Reading[] | undefined {
  const readings = nearest(state, span);
  return readings !== undefined && isTidy(state, span, readings[0]?.at ?? span.start) ? readings : undefined;
}

function nearest(state: ChannelState, { boundary }: Span): readonly Reading[] | undefined {
  if (get(state, fields.passedBoundary) === boundary) {
    const [before, after] = [getReading(state, fields.before), getReading(state, fields.after)];
    // After a start the store alone knows what came before.
    if (before === undefined && firstOf(state).at < boundary) return undefined;
    return [before, after].filter((reading) => reading !== undefined);
  }
  const newest = newestOf(state);
  return newest !== undefined && newest.at < boundary ? [newest] : undefined;
}

/** What the month's intervals add up to where memory knows it. */
export function rememberedCover(state: ChannelState, span: Span): Cover | undefined {
  if (!hasMonths(state) || isIrregular(state, span.start, span.boundary)) return undefined;
  const { stepSeconds } = state.channel;
  const totals = monthTotals(state, span.start);
  if (totals === undefined && newestAtOf(state) > span.start) return undefined;
  const { sum, present, worst, lastAt } = totals ?? { sum: 0, present: 0, worst: 0, lastAt: 0 };
  const coveredSeconds = present * stepSeconds;
  const absent = absentSteps(span.boundary - span.start - coveredSeconds, stepSeconds);
  return { sum, present, absent, dark: 0, coveredSeconds, worst, lastAt };
}
