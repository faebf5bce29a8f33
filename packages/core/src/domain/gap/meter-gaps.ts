import { type Channel, channelKey } from "../reading/reading.ts";
import type { FoundGap } from "./find-gaps.ts";

/** A gap as it is kept: what is missing, and what was done about it. */
export interface Gap extends FoundGap {
  /** When it was first noticed. */
  readonly sinceMs: number;
  /** How often the meter was asked for it, and when it was asked last; null where it never was. */
  readonly asked: Asked | null;
  /** When it was noticed that nothing of it is missing any more; null while something is. */
  readonly answeredAtMs: number | null;
}

export interface Asked {
  readonly times: number;
  readonly atMs: number;
}

/** What a meter is asked for. */
export interface AskedRange extends Channel {
  readonly from: number;
  readonly to: number;
  /** Up to when it is asked, then. */
  readonly goesOn: boolean;
}

/** What a meter is asked for at present. It stands until it is answered, asked anew, or given up. */
export interface Asking {
  /** Another with each time that the meter is asked. */
  readonly id: string;
  readonly atMs: number;
  /** How often in a row the meter was asked and nothing of it came. */
  readonly times: number;
  /** How urgent it is: 0 is what a month waits for that closes now. */
  readonly rank: number;
  readonly ranges: readonly AskedRange[];
  /** `ended`: asked as often as it is asked, and nothing came. It is not asked again for the same. */
  readonly state: "asked" | "ended";
}

/** Reports that a meter counted and that never came. */
export interface SequenceGaps {
  /** How often a number was left out, and how many numbers in all. */
  readonly gaps: number;
  readonly missing: number;
  /** The newest: the report before and the one after it, and when that came. */
  readonly after: number;
  readonly next: number;
  readonly atMs: number;
}

/** All that is known of the gaps of a meter. */
export interface MeterGaps {
  readonly meterId: string;
  readonly usagePointId: string;
  /** IANA zone of its months. */
  readonly zone: string;
  /** Ascending in `from`; answered ones too, for a while. */
  readonly gaps: readonly Gap[];
  readonly asking: Asking | null;
  readonly sequence: SequenceGaps | null;
}

/**
 * A meter with more has its newest ones listed: it is asked for those, and others come to light as they are answered.
 */
export const gapsPerMeterMax = 100;
/** So long a gap is shown after it was answered. */
export const answeredKeptMs = 40 * 86_400_000;

export function isOpen({ answeredAtMs }: Gap): boolean {
  return answeredAtMs === null;
}

/**
 * What is found now joined with what was known: a gap that is part of a known one goes on with its story, and a known
 * one of which nothing is found any more is answered.
 */
export function joinGaps(known: readonly Gap[], found: readonly FoundGap[], nowMs: number): readonly Gap[] {
  const open = known.filter(isOpen);
  const stillOpen = found.map((gap): Gap => {
    const before = open.filter((one) => overlaps(one, gap));
    const sinceMs = Math.min(nowMs, ...before.map((one) => one.sinceMs));
    return { ...gap, sinceMs, asked: lastAsked(before), answeredAtMs: null };
  });
  const answered = known
    .filter((gap) => !isOpen(gap) || !found.some((one) => overlaps(one, gap)))
    .map((gap) => ({ ...gap, goesOn: false, answeredAtMs: gap.answeredAtMs ?? nowMs }))
    .filter(({ answeredAtMs }) => nowMs - answeredAtMs < answeredKeptMs);
  return bounded([...answered, ...stillOpen]);
}

/** What is known of a meter's gaps after it was looked at. What came of what was asked begins the asking anew. */
export function withFound(of: MeterGaps, found: readonly FoundGap[], nowMs: number): MeterGaps {
  const gaps = joinGaps(of.gaps, found, nowMs);
  const hasCome = missingOf(gaps) < missingOf(of.gaps);
  const asking = of.asking !== null && hasCome ? { ...of.asking, times: 0, state: "asked" as const } : of.asking;
  return { ...of, gaps, asking: gaps.some(isOpen) ? asking : null };
}

/** Open ones before answered ones, newer before older. */
function bounded(gaps: readonly Gap[]): readonly Gap[] {
  const byNeed = gaps.toSorted((a, b) => Number(isOpen(b)) - Number(isOpen(a)) || b.to - a.to);
  return byNeed.slice(0, gapsPerMeterMax).sort((a, b) => a.from - b.from || a.to - b.to);
}

/** Gaps of one channel that have time in common. A gap that goes on has no end yet. */
export function overlaps(a: FoundGap, b: FoundGap): boolean {
  if (channelKey(a) !== channelKey(b)) return false;
  return a.from < endOf(b) && b.from < endOf(a);
}

function endOf({ to, goesOn }: FoundGap): number {
  return goesOn ? Number.POSITIVE_INFINITY : to;
}

function lastAsked(before: readonly Gap[]): Asked | null {
  return before.reduce<Asked | null>(
    (last, { asked }) => ((asked?.atMs ?? 0) > (last?.atMs ?? 0) ? asked : last),
    null,
  );
}

/** How many readings are missing of a meter. */
export function missingOf(gaps: readonly Gap[]): number {
  return gaps.filter(isOpen).reduce((sum, { missing }) => sum + missing, 0);
}
