import type { Reading } from "@meterbook/core/domain/reading/reading";
import { qualityIndexOf } from "@meterbook/core/domain/reading/reading";
import type { LocalCalendar } from "@meterbook/core/domain/time/local-calendar";
import { type ChannelRow, get, set } from "./channel-memory.ts";

/**
 * The fields of the newest month in an interval channel's row; the month before it has the same, `monthFields` further
 * on.
 */
const fields = {
  /** Seconds; both 0 where there is no month. */
  start: 3,
  boundary: 4,
  sum: 5,
  /** How many intervals there are, times 4, plus the worst quality among them. */
  presentAndWorst: 6,
  lastAt: 7,
} as const;
const monthFields = 5;

/** What is known of the intervals of a month. */
export interface MonthTotals {
  readonly sum: number;
  readonly present: number;
  /** The index of the worst quality among them. */
  readonly worst: number;
  readonly lastAt: number;
}

/**
 * Adds an interval to the month in which it begins, where that is one of the two newest; others are not remembered.
 * Answers false where the interval belongs to two months and so to neither.
 */
export function addInterval(
  row: ChannelRow,
  { at, value, code }: Reading,
  stepSeconds: number,
  calendar: LocalCalendar,
): boolean {
  const month = monthOf(row, at - stepSeconds, calendar);
  if (month === undefined) return true;
  if (at > get(row, month + fields.boundary)) return false;
  const known = get(row, month + fields.presentAndWorst);
  set(row, month + fields.sum, get(row, month + fields.sum) + value);
  set(row, month + fields.presentAndWorst, known - (known & 3) + 4 + Math.max(known & 3, qualityIndexOf(code)));
  set(row, month + fields.lastAt, Math.max(get(row, month + fields.lastAt), at));
  return true;
}

/**
 * How far on in the row the month is in which an interval begins, which may be a new one; undefined for months further
 * back.
 */
function monthOf(row: ChannelRow, from: number, calendar: LocalCalendar): number | undefined {
  if (get(row, fields.boundary) !== 0) {
    if (contains(row, 0, from)) return 0;
    if (from < get(row, fields.start)) return contains(row, monthFields, from) ? monthFields : undefined;
  }
  const { block, base } = row;
  const [newest, older] = [base + fields.start, base + fields.start + monthFields];
  block.copyWithin(older, newest, older);
  block.fill(0, newest, older);
  const period = calendar.periodOf(from);
  set(row, fields.start, calendar.startOf(period));
  set(row, fields.boundary, calendar.boundaryOf(period));
  return 0;
}

function contains(row: ChannelRow, month: number, at: number): boolean {
  return at >= get(row, month + fields.start) && at < get(row, month + fields.boundary);
}

/** The totals of the month that begins at `start`; undefined where it is not one of those that are remembered. */
export function monthTotals(row: ChannelRow, start: number): MonthTotals | undefined {
  const month = [0, monthFields].find(
    (one) => get(row, one + fields.start) === start && get(row, one + fields.boundary) !== 0,
  );
  if (month === undefined) return undefined;
  const known = get(row, month + fields.presentAndWorst);
  return {
    sum: get(row, month + fields.sum),
    present: known >>> 2,
    worst: known & 3,
    lastAt: get(row, month + fields.lastAt),
  };
}

/** Whether any month is remembered at all. */
export function hasMonths(row: ChannelRow): boolean {
  return get(row, fields.boundary) !== 0;
}
