import { Temporal } from "temporal-polyfill";
import { timeZoneNames } from "./time-zone-names.ts";

/**
 * Months and days of one zone. All instants are whole seconds since 1970 UTC; a period is a month number
 * (`year * 12 + month - 1`). Local midnights are found by the time zone library, so days of 23 and 25 hours, zones
 * with half hours and days that do not begin at 00:00 come out right; results are remembered, because the hot path
 * asks.
 */
export interface LocalCalendar {
  readonly zone: string;
  /** The month that contains `at`; a midnight belongs to the day that it begins. */
  periodOf(at: number): number;
  /** The local midnight that begins the period. */
  startOf(period: number): number;
  /** The local midnight that ends the period: where its closing value is taken. */
  boundaryOf(period: number): number;
  /** One hour after the boundary: from here on a provisional snapshot is issued (domain rules, section 4). */
  provisionalFrom(period: number): number;
  /** The start of the 4th local day of the next month: from here on the period is final. */
  finalFrom(period: number): number;
  /** The local midnight at or before `at`. */
  dayOf(at: number): number;
  /** The midnight `days` local days after the one that `day` is. */
  addDays(day: number, days: number): number;
}

const calendars = new Map<string, LocalCalendar>();
const rememberedDaysMax = 20_000;

/** The calendar of an IANA zone; throws a RangeError when there is no such zone. */
export function localCalendar(zone: string): LocalCalendar {
  const known = calendars.get(zone);
  if (known !== undefined) return known;
  const made = makeCalendar(zone);
  calendars.set(zone, made);
  return made;
}

/** Whether it is a name of the IANA database, letter by letter: no other case, no offset. */
export function isTimeZone(zone: string): boolean {
  if (!timeZoneNames.has(zone)) return false;
  try {
    localCalendar(zone);
    return true;
  } catch {
    return false;
  }
}

function makeCalendar(zone: string): LocalCalendar {
  // Throws here, once, for a zone that does not exist.
  Temporal.Instant.fromEpochMilliseconds(0).toZonedDateTimeISO(zone);
  const starts = new Map<number, number>();

  function startOf(period: number): number {
    const known = starts.get(period);
    if (known !== undefined) return known;
    const start = monthStart(zone, period);
    starts.set(period, start);
    return start;
  }

  const finals = new Map<number, number>();
  const dayOf = dayFinder(zone);
  // By the UTC day that was asked for: questions are about a few days, over and over.
  const months = new Map<number, Month>();
  return {
    zone,
    startOf,
    periodOf(at) {
      const hint = Math.floor(at / 86_400);
      const known = months.get(hint);
      if (known !== undefined && at >= known.from && at < known.to) return known.period;
      const local = zoned(zone, at);
      const named = local.year * 12 + local.month - 1;
      // Clocks that go back across midnight bring the last minutes of a month once more: these are the next month's.
      const period = at < startOf(named + 1) ? named : named + 1;
      if (months.size >= rememberedDaysMax) months.clear();
      months.set(hint, { period, from: startOf(period), to: startOf(period + 1) });
      return period;
    },
    boundaryOf: (period) => startOf(period + 1),
    provisionalFrom: (period) => startOf(period + 1) + 3600,
    finalFrom(period) {
      let final = finals.get(period);
      if (final === undefined) {
        final = addDays(zone, startOf(period + 1), 3);
        finals.set(period, final);
      }
      return final;
    },
    dayOf,
    addDays: (day, days) => addDays(zone, day, days),
  };
}

interface Month {
  readonly period: number;
  readonly from: number;
  readonly to: number;
}

function dayFinder(zone: string): (at: number) => number {
  const days = new Map<number, { from: number; to: number }>();
  return (at) => {
    const hint = Math.floor(at / 86_400);
    const known = days.get(hint);
    if (known !== undefined && at >= known.from && at < known.to) return known.from;
    const named = seconds(zoned(zone, at).startOfDay());
    const next = addDays(zone, named, 1);
    // As with months: what clocks bring once more of a day is the next day's.
    const from = at < next ? named : next;
    if (days.size >= rememberedDaysMax) days.clear();
    days.set(hint, { from, to: from === named ? next : addDays(zone, from, 1) });
    return from;
  };
}

function monthStart(zone: string, period: number): number {
  const date = Temporal.PlainDate.from({ year: Math.floor(period / 12), month: (period % 12) + 1, day: 1 });
  return seconds(date.toZonedDateTime(zone));
}

function addDays(zone: string, day: number, days: number): number {
  const date = zoned(zone, day).toPlainDate().add({ days });
  return seconds(date.toZonedDateTime(zone));
}

function zoned(zone: string, at: number): Temporal.ZonedDateTime {
  return Temporal.Instant.fromEpochMilliseconds(at * 1000).toZonedDateTimeISO(zone);
}

function seconds(time: Temporal.ZonedDateTime): number {
  // Whole as it is, and V8 boxes what a division answers, wherever it is kept.
  return Math.floor(time.epochMilliseconds / 1000);
}
