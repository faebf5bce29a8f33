import { checkedAmount } from "../quantity/amount.ts";
import type { Columns, Origin, Reading, ReadingSeries } from "../reading/reading.ts";
import {
  emptyColumns,
  lowerBound,
  originOf,
  pushReading,
  qualityIndexOf,
  qualityOf,
  readingAt,
} from "../reading/reading.ts";
import type { Evidence, Method, SnapshotQuality } from "../snapshot/snapshot.ts";
import { snapshotQualities } from "../snapshot/snapshot.ts";

/** How far readings reach (domain rules, section 4). All in seconds. */
export interface ClosingRules {
  /** A reading this close to the boundary is the boundary's: 60 s. */
  readonly snapSeconds: number;
  /** Point-to-point line over at most this gap: 2 h. */
  readonly linearGapSecondsMax: number;
  /** Even spread over at most this gap: 5 days. */
  readonly flatGapSecondsMax: number;
  /** How far back an anchor for register plus intervals may lie: 35 days. */
  readonly lookBackSecondsMax: number;
}

export const closingRules: ClosingRules = {
  snapSeconds: 60,
  linearGapSecondsMax: 2 * 3600,
  flatGapSecondsMax: 5 * 86_400,
  lookBackSecondsMax: 35 * 86_400,
};

/**
 * A register at a boundary, how it was found and what it was made from. Null with another method than `MISSING` where
 * what was found leaves the safe integers.
 */
export interface ClosingValue {
  readonly value: number | null;
  readonly quality: SnapshotQuality;
  readonly method: Method;
  readonly origin: Origin | null;
  /** When the reading that decides was taken: the one at the boundary, else the anchor before it. */
  readonly readAt: number | null;
  readonly before: Evidence | null;
  readonly after: Evidence | null;
}

/** What stands around a boundary, of readings no worse than `qualityMax`. */
interface Around {
  readonly boundary: number;
  readonly before: Reading | undefined;
  readonly after: Reading | undefined;
  readonly intervals: readonly ReadingSeries[];
  /** Index in `readingQualities`. */
  readonly qualityMax: number;
}

type Rung = (around: Around, rules: ClosingRules) => ClosingValue | undefined;

/**
 * The ladder of domain rules, section 4: the first that applies. Later methods (rollover, customers, ADU) are further
 * rungs.
 */
const ladder: readonly Rung[] = [exact, registerPlusIntervals, linearShort, flatBetween];

/**
 * The value of a register at a boundary, from its readings and the intervals of the same quantity.
 *
 * The ladder is climbed with actual readings alone, then with everything but suspect ones, then with all; the best
 * resulting quality wins and among equals the stricter input. So an estimate never displaces what actual readings give.
 *
 * @param readings ascending; what lies outside the rules' reach is ignored, so callers may pass more.
 * @param intervals ascending interval series of the same register and unit, possibly of several step lengths.
 */
export function closingValue(
  readings: Columns,
  intervals: readonly ReadingSeries[],
  boundary: number,
  rules: ClosingRules = closingRules,
): ClosingValue {
  let best: ClosingValue | undefined;
  for (const qualityMax of [0, 2, 3]) {
    const around = lookAround(readings, intervals, boundary, qualityMax, rules);
    const found = climb(around, rules);
    if (found !== undefined && (best === undefined || rank(found.quality) < rank(best.quality))) best = found;
    if (best !== undefined && rank(best.quality) <= qualityMax) break;
  }
  return best ?? missing(lookAround(readings, intervals, boundary, 3, rules));
}

function climb(around: Around, rules: ClosingRules): ClosingValue | undefined {
  let outOfRange: ClosingValue | undefined;
  for (const rung of ladder) {
    const found = rung(around, rules);
    if (found !== undefined && found.value !== null) return found;
    outOfRange ??= found;
  }
  return outOfRange;
}

function lookAround(
  readings: Columns,
  intervals: readonly ReadingSeries[],
  boundary: number,
  qualityMax: number,
  rules: ClosingRules,
): Around {
  const split = lowerBound(readings, boundary + 1);
  let before: Reading | undefined;
  for (let i = split - 1; i >= 0 && before === undefined; i -= 1) {
    if ((readings.at[i] as number) < boundary - rules.lookBackSecondsMax) break;
    if (qualityIndexOf(readings.code[i] as number) <= qualityMax) before = readingAt(readings, i);
  }
  let after: Reading | undefined;
  for (let i = split; i < readings.at.length && after === undefined; i += 1) {
    if ((readings.at[i] as number) > boundary + rules.flatGapSecondsMax) break;
    if (qualityIndexOf(readings.code[i] as number) <= qualityMax) after = readingAt(readings, i);
  }
  return { boundary, before, after, intervals, qualityMax };
}

/** An accepted reading within the snap distance; the closest, and at a tie the one at or before the boundary. */
function exact({ boundary, before, after }: Around, rules: ClosingRules): ClosingValue | undefined {
  const ago = before === undefined ? Number.POSITIVE_INFINITY : boundary - before.at;
  const ahead = after === undefined ? Number.POSITIVE_INFINITY : after.at - boundary;
  if (Math.min(ago, ahead) > rules.snapSeconds) return undefined;
  const chosen = (ago <= ahead ? before : after) as Reading;
  return {
    value: chosen.value,
    quality: qualityOf(chosen.code),
    method: "EXACT",
    origin: originOf(chosen.code),
    readAt: chosen.at,
    before: evidence(before),
    after: evidence(after),
  };
}

/**
 * The nearest earlier register plus unbroken intervals up to the boundary. Where a register follows within five days
 * and intervals reach it too, they are scaled so that the sums agree; where they do not, the result must not exceed it.
 */
function registerPlusIntervals(around: Around): ClosingValue | undefined {
  const { boundary, before, after, intervals, qualityMax } = around;
  if (before === undefined || intervals.length === 0) return undefined;
  const upTo = coveredSum(intervals, before.at, boundary, qualityMax);
  if (upTo === undefined) return undefined;
  if (after !== undefined && after.value < before.value) return undefined;
  const onward = after === undefined ? undefined : coveredSum(intervals, boundary, after.at, qualityMax);
  const scaled = after !== undefined && onward !== undefined && upTo.sum + onward.sum > 0;
  // Intervals that add up beyond what an amount can be say nothing of how it was shared.
  if (scaled && checkedAmount(upTo.sum + onward.sum) === null) return undefined;
  const used = scaled ? share(after.value - before.value, upTo.sum, upTo.sum + onward.sum) : upTo.sum;
  const value = checkedAmount(before.value + used);
  if (after !== undefined && (value === null || value > after.value)) return undefined;
  const inputs = Math.max(
    qualityIndexOf(before.code),
    upTo.worst,
    scaled ? Math.max(qualityIndexOf(after.code), onward.worst) : 0,
  );
  return {
    value,
    quality: value === null ? "suspect" : worse("derived", inputs),
    method: "REG_PLUS_INTERVALS",
    origin: originOf(before.code),
    readAt: before.at,
    before: evidence(before),
    after: scaled ? evidence(after) : null,
  };
}

function linearShort(around: Around, rules: ClosingRules): ClosingValue | undefined {
  return onTheLine(around, "LINEAR_SHORT", "derived", rules.linearGapSecondsMax);
}

function flatBetween(around: Around, rules: ClosingRules): ClosingValue | undefined {
  return onTheLine(around, "FLAT_BETWEEN", "estimated", rules.flatGapSecondsMax);
}

/**
 * On the straight line between two readings, rounded down to a whole base unit: between both, so bracketed by truth.
 */
function onTheLine(
  { boundary, before, after }: Around,
  method: Method,
  quality: SnapshotQuality,
  gapSecondsMax: number,
): ClosingValue | undefined {
  if (before === undefined || after === undefined) return undefined;
  const gap = after.at - before.at;
  if (gap > gapSecondsMax || after.value < before.value) return undefined;
  return {
    value: before.value + share(after.value - before.value, boundary - before.at, gap),
    quality: worse(quality, Math.max(qualityIndexOf(before.code), qualityIndexOf(after.code))),
    method,
    origin: originOf(before.code),
    readAt: before.at,
    before: evidence(before),
    after: evidence(after),
  };
}

function missing({ before, after }: Around): ClosingValue {
  return {
    value: null,
    quality: "missing",
    method: "MISSING",
    origin: null,
    readAt: null,
    before: evidence(before),
    after: evidence(after),
  };
}

/** `amount * part / whole` rounded down, exact where the product leaves the safe integers. */
function share(amount: number, part: number, whole: number): number {
  const product = amount * part;
  if (Number.isSafeInteger(product)) return Math.floor(product / whole);
  return Number((BigInt(amount) * BigInt(part)) / BigInt(whole));
}

/** The sum of intervals that cover `from` to `to` without a gap; undefined where they do not. */
function coveredSum(
  intervals: readonly ReadingSeries[],
  from: number,
  to: number,
  qualityMax: number,
): { readonly sum: number; readonly worst: number } | undefined {
  let cursor = from;
  let sum = 0;
  let worst = 0;
  while (cursor < to) {
    const next = intervalFrom(intervals, cursor, qualityMax);
    if (next === undefined || next.at > to) return undefined;
    sum += next.value;
    worst = Math.max(worst, qualityIndexOf(next.code));
    cursor = next.at;
  }
  return { sum, worst };
}

/** The shortest interval that starts at `start`. */
function intervalFrom(intervals: readonly ReadingSeries[], start: number, qualityMax: number): Reading | undefined {
  let found: Reading | undefined;
  for (const series of intervals) {
    const end = start + series.channel.stepSeconds;
    const index = lowerBound(series, end);
    if (series.at[index] !== end || qualityIndexOf(series.code[index] as number) > qualityMax) continue;
    if (found === undefined || end < found.at) found = readingAt(series, index);
  }
  return found;
}

function evidence(reading: Reading | undefined): Evidence | null {
  if (reading === undefined) return null;
  return { at: reading.at, value: reading.value, quality: qualityOf(reading.code) };
}

function rank(quality: SnapshotQuality): number {
  return snapshotQualities.indexOf(quality);
}

function worse(quality: SnapshotQuality, inputs: number): SnapshotQuality {
  return snapshotQualities[Math.max(rank(quality), inputs)] as SnapshotQuality;
}

/** Columns of at most two readings: what the aggregator remembers around a boundary. */
export function columnsOf(...readings: readonly (Reading | undefined)[]): Columns {
  const columns = emptyColumns();
  for (const reading of readings) {
    if (reading !== undefined) pushReading(columns, reading.at, reading.value, reading.code);
  }
  return columns;
}
