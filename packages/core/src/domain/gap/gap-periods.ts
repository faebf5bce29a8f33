import type { LocalCalendar } from "../time/local-calendar.ts";
import type { FoundGap } from "./find-gaps.ts";

/** A month that a gap belongs to. */
export interface GapPeriod {
  readonly period: number;
  /** What is missing lies around the month's end: its closing value has to do without. */
  readonly isAtClose: boolean;
}

/** A gap is listed in so many months at most, the newest ones. */
const periodsMax = 36;

/** The months of which a gap takes something away, ascending. */
export function periodsOf(gap: FoundGap, calendar: LocalCalendar): readonly GapPeriod[] {
  // What is missing of a register lies between its readings on both sides.
  const last = calendar.periodOf(gap.to - 1);
  const first = Math.max(calendar.periodOf(gap.from), last - periodsMax + 1);
  const periods: GapPeriod[] = [];
  for (let period = first; period <= last; period += 1)
    periods.push({ period, isAtClose: isAtBoundary(gap, calendar.boundaryOf(period)) });
  return periods;
}

function isAtBoundary({ from, to, kind }: FoundGap, boundary: number): boolean {
  return from < boundary && (kind === "interval" ? boundary <= to : boundary < to);
}

/** What a month needs first: 0 is what the closing of a month that has ended lacks. Undefined where it is too late. */
export function needOf(gap: FoundGap, calendar: LocalCalendar, now: number): number | undefined {
  const needs = periodsOf(gap, calendar).flatMap(({ period, isAtClose }) => {
    if (now >= calendar.finalFrom(period)) return [];
    const isClosing = now >= calendar.boundaryOf(period);
    return [isClosing ? (isAtClose ? 0 : 1) : 2];
  });
  return needs.length === 0 ? undefined : Math.min(...needs);
}
