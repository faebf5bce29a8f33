import type { ReadingSeries } from "../../reading/reading.ts";
import { lowerBound, qualityIndexOf, readingQualities } from "../../reading/reading.ts";
import { type Stretch, secondsWithin } from "../../time/stretches.ts";

/** What intervals that were chosen from `from` to `to` add up to. */
export interface Cover {
  readonly sum: number;
  readonly present: number;
  /** How many steps are not there, by the length of most of those that are. */
  readonly absent: number;
  /** How many more are not there, and need not be: there was no supply. */
  readonly dark: number;
  readonly coveredSeconds: number;
  /** The index of the worst quality among them. */
  readonly worst: number;
  readonly lastAt: number;
}

/** An amount over `[from, to)`. */
export interface Interval {
  readonly from: number;
  readonly to: number;
  readonly value: number;
  readonly code: number;
}

/**
 * Chooses among the intervals that lie within `from` to `to`: no second counts twice, and as many count as can; among
 * such choices those of better quality, then the finer ones, then those of the earlier phase. Suspect ones are left
 * out.
 *
 * @param series ascending, of one quantity, possibly of several lengths and phases
 * @param outages times without supply, ascending; none touches another
 */
export function coverIntervals(
  series: readonly ReadingSeries[],
  from: number,
  to: number,
  outages: readonly Stretch[] = [],
): Cover {
  return totalsOf(chooseIntervals(series, from, to), { from, to, stepSeconds: usualStep(series), outages });
}

/** What is not there because there was no supply makes an estimate of the whole. */
export function worstOfCover({ worst, dark }: Cover): number {
  return dark === 0 ? worst : Math.max(worst, estimatedIndex);
}

const estimatedIndex = readingQualities.indexOf("estimated");

/** What of a time intervals leave out. */
export function uncovered(chosen: readonly Interval[], { from, to }: Stretch): readonly Stretch[] {
  const found: Stretch[] = [];
  let at = from;
  for (const interval of chosen) {
    if (interval.from > at) found.push({ from: at, to: interval.from });
    at = interval.to;
  }
  if (at < to) found.push({ from: at, to });
  return found;
}

/** The intervals that `coverIntervals` adds up, ascending. */
export function chooseIntervals(series: readonly ReadingSeries[], from: number, to: number): readonly Interval[] {
  const intervals = intervalsWithin(series, from, to);
  return isWithoutOverlap(intervals) ? intervals : mostSeconds(intervals);
}

function intervalsWithin(series: readonly ReadingSeries[], from: number, to: number): Interval[] {
  const found: Interval[] = [];
  for (const one of series) {
    const { stepSeconds } = one.channel;
    const end = lowerBound(one, to + 1);
    for (let i = lowerBound(one, from + stepSeconds); i < end; i += 1) {
      const [at, code] = [one.at[i] as number, one.code[i] as number];
      if (qualityIndexOf(code) < 3) found.push({ from: at - stepSeconds, to: at, value: one.value[i] as number, code });
    }
  }
  return series.length === 1 ? found : found.sort((a, b) => a.to - b.to || a.from - b.from);
}

function isWithoutOverlap(intervals: readonly Interval[]): boolean {
  for (let i = 1; i < intervals.length; i += 1) {
    if ((intervals[i] as Interval).from < (intervals[i - 1] as Interval).to) return false;
  }
  return true;
}

/** How good a choice among the first intervals is. */
interface Score {
  readonly seconds: number;
  /** Seconds times how bad their quality is. */
  readonly badness: number;
  readonly count: number;
}

const nothing: Score = { seconds: 0, badness: 0, count: 0 };

/** By dynamic programming over the ends of the intervals. */
function mostSeconds(intervals: readonly Interval[]): Interval[] {
  const best: Score[] = [nothing];
  const taken: boolean[] = [];
  const before = intervals.map(({ from }) => endingBy(intervals, from));
  intervals.forEach((interval, index) => {
    const without = best[index] as Score;
    const seconds = interval.to - interval.from;
    const rest = best[before[index] as number] as Score;
    const badness = rest.badness + seconds * qualityIndexOf(interval.code);
    const withIt: Score = { seconds: rest.seconds + seconds, badness, count: rest.count + 1 };
    // At a tie it stays as it was: what ended earlier.
    taken[index] = isBetter(withIt, without);
    best.push(taken[index] ? withIt : without);
  });
  const chosen: Interval[] = [];
  for (let index = intervals.length; index > 0; ) {
    if (taken[index - 1] === true) {
      chosen.push(intervals[index - 1] as Interval);
      index = before[index - 1] as number;
    } else index -= 1;
  }
  return chosen.reverse();
}

function isBetter(a: Score, b: Score): boolean {
  if (a.seconds !== b.seconds) return a.seconds > b.seconds;
  return a.badness === b.badness ? a.count > b.count : a.badness < b.badness;
}

/** How many of the intervals end at or before `at`. */
function endingBy(intervals: readonly Interval[], at: number): number {
  let low = 0;
  let high = intervals.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((intervals[middle] as Interval).to <= at) low = middle + 1;
    else high = middle;
  }
  return low;
}

interface Whole {
  readonly from: number;
  readonly to: number;
  readonly stepSeconds: number;
  readonly outages: readonly Stretch[];
}

function totalsOf(chosen: readonly Interval[], whole: Whole): Cover {
  const totals = { sum: 0, present: chosen.length, absent: 0, dark: 0, coveredSeconds: 0, worst: 0, lastAt: 0 };
  for (const interval of chosen) {
    totals.sum += interval.value;
    totals.worst = Math.max(totals.worst, qualityIndexOf(interval.code));
    totals.coveredSeconds += interval.to - interval.from;
    totals.lastAt = interval.to;
  }
  const { from, to, outages } = whole;
  const seconds = to - from - totals.coveredSeconds;
  const step = mostOf(chosen) ?? whole.stepSeconds;
  const absent = absentSteps(seconds, step);
  totals.absent = absent === 0 || outages.length === 0 ? absent : absentSteps(seconds - darkOf(chosen, whole), step);
  totals.dark = absent - totals.absent;
  return totals;
}

function darkOf(chosen: readonly Interval[], { from, to, outages }: Whole): number {
  return uncovered(chosen, { from, to }).reduce((sum, gap) => sum + secondsWithin(outages, gap), 0);
}

const shortestDaySeconds = 23 * 3600;

/** How many steps are in so much time. A local day may have 23 or 25 hours. */
export function absentSteps(seconds: number, stepSeconds: number): number {
  if (seconds <= 0) return 0;
  if (stepSeconds >= shortestDaySeconds) return Math.max(1, Math.round(seconds / 86_400));
  return Math.ceil(seconds / stepSeconds);
}

/** The length that covers most of the time; undefined where nothing is chosen. */
function mostOf(chosen: readonly Interval[]): number | undefined {
  const seconds = new Map<number, number>();
  let most: number | undefined;
  for (const { from, to } of chosen) {
    const known = (seconds.get(to - from) ?? 0) + to - from;
    seconds.set(to - from, known);
    if (most === undefined || known > (seconds.get(most) ?? 0)) most = to - from;
  }
  return most;
}

/** Of a quantity of which no interval is there: the finest length that it has. */
function usualStep(series: readonly ReadingSeries[]): number {
  return Math.min(...series.map(({ channel }) => channel.stepSeconds));
}
