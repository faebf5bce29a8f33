import type { MeterRecord } from "../registry/meter-record.ts";
import type { RegisterSnapshot } from "../snapshot/snapshot.ts";
import type { LocalCalendar } from "../time/local-calendar.ts";
import type { PastMonth } from "./estimation/past-month.ts";
import { hasStanding } from "./row-quality.ts";

/** A month of a meter's calendar: seconds UTC, local midnights. */
export interface Span {
  readonly start: number;
  readonly boundary: number;
}

export function spanOf(calendar: LocalCalendar, period: number): Span {
  return { start: calendar.startOf(period), boundary: calendar.boundaryOf(period) };
}

/** The part of a month in which the meter was in place. */
export interface Part {
  readonly from: number;
  readonly to: number;
}

export function partOf({ start, boundary }: Span, record: MeterRecord | undefined): Part {
  return {
    from: Math.min(boundary, Math.max(start, record?.installed?.at ?? start)),
    to: Math.max(start, Math.min(boundary, record?.removed?.at ?? boundary)),
  };
}

/** The closing of one register, as issued for the month before. */
export interface IssuedClosing extends Pick<RegisterSnapshot, "register" | "unit" | "value" | "valueQuality"> {
  /** What was used in all of the month; null if that is not known, absent where nobody asks for it. */
  readonly whole?: number | null;
}
/** The closings of the month before; empty where there are none. */
export type Closings = readonly IssuedClosing[];

export interface Month {
  readonly period: number;
  readonly span: Span;
  readonly previous: Closings;
  /** As of `KnownMeter`. */
  readonly history?: readonly PastMonth[] | undefined;
  readonly outages?: readonly Part[] | undefined;
}

function closingOf(row: RegisterSnapshot): Required<IssuedClosing> {
  const { register, unit, value, valueQuality } = row;
  return { register, unit, value, valueQuality, whole: wholeUse(row) };
}

/** What the next month opens with: of a register whose month has several rows the last one's closing. */
export function closingsOf(rows: readonly RegisterSnapshot[]): Required<IssuedClosing>[] {
  return lastRows(rows).map(closingOf);
}

/** Rows are ordered by register, unit and time. */
export function lastRows(rows: readonly RegisterSnapshot[]): readonly RegisterSnapshot[] {
  return rows.filter(({ register, unit }, index) => {
    const next = rows[index + 1];
    return next === undefined || next.register !== register || next.unit !== unit;
  });
}

/** The consumption of a row of a whole month that has standing; null of any other. */
export function wholeUse({ from, to, quality, consumption }: RegisterSnapshot): number | null {
  return from === null && to === null && hasStanding(quality) ? consumption : null;
}
