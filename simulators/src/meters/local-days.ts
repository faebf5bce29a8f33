import { Temporal } from "temporal-polyfill";

export const quarterSeconds = 900;
export const quartersOfDay = 96;

/** One day of the wall clock. Instants are whole seconds since 1970 UTC. */
export interface LocalDay {
  /** Days since 1970-01-01 on the local calendar: grows by one from day to day. */
  readonly index: number;
  /** Local midnights that begin and end the day; 23, 24 or 25 hours apart. */
  readonly start: number;
  readonly end: number;
  /** 0 Sunday to 6 Saturday. */
  readonly weekday: number;
  /** 1 to 31. */
  readonly dayOfMonth: number;
  /** 1 to 12. */
  readonly month: number;
  /** Months since year 0: `year * 12 + month - 1`. */
  readonly period: number;
  /** For each quarter hour that passes: which of the 96 quarters of the wall clock it is. */
  readonly clock: Uint8Array;
}

export interface LocalDays {
  readonly zone: string;
  /** The day that contains `at`; a midnight belongs to the day that it begins. */
  dayAt(at: number): LocalDay;
  dayOf(index: number): LocalDay;
  /** The local midnight that begins a period (`year * 12 + month - 1`). */
  monthStart(period: number): number;
  /** Weekdays (0 Sunday) of the days of a period, first to last. */
  weekdaysOf(period: number): readonly number[];
}

const rememberedDaysMax = 4096;

/** The calendar of an IANA zone; throws a RangeError where there is no such zone. */
export function localDays(zone: string): LocalDays {
  zoned(zone, 0);
  const days = new Map<number, LocalDay>();
  const weekdays = new Map<number, readonly number[]>();

  function dayOf(index: number): LocalDay {
    const known = days.get(index);
    if (known !== undefined) return known;
    if (days.size >= rememberedDaysMax) days.clear();
    const made = makeDay(zone, index);
    days.set(index, made);
    return made;
  }

  function weekdaysOf(period: number): readonly number[] {
    const known = weekdays.get(period) ?? makeWeekdays(period);
    weekdays.set(period, known);
    return known;
  }

  return {
    zone,
    dayAt: (at) => dayOf(indexOf(zoned(zone, at).toPlainDate())),
    dayOf,
    monthStart: (period) => midnight(zone, firstDate(period)),
    weekdaysOf,
  };
}

function makeDay(zone: string, index: number): LocalDay {
  const date = new Temporal.PlainDate(1970, 1, 1).add({ days: index });
  const start = midnight(zone, date);
  const end = midnight(zone, date.add({ days: 1 }));
  return {
    index,
    start,
    end,
    weekday: date.dayOfWeek % 7,
    dayOfMonth: date.day,
    month: date.month,
    period: date.year * 12 + date.month - 1,
    clock: clockOf(zone, start, end),
  };
}

function clockOf(zone: string, start: number, end: number): Uint8Array {
  const clock = new Uint8Array(Math.round((end - start) / quarterSeconds));
  const plain = clock.length === quartersOfDay;
  for (let quarter = 0; quarter < clock.length; quarter += 1) {
    clock[quarter] = plain ? quarter : quarterOnTheClock(zone, start + quarter * quarterSeconds);
  }
  return clock;
}

function quarterOnTheClock(zone: string, at: number): number {
  const { hour, minute } = zoned(zone, at);
  return hour * 4 + Math.floor(minute / 15);
}

function makeWeekdays(period: number): readonly number[] {
  const first = firstDate(period);
  return Array.from({ length: first.daysInMonth }, (_, day) => (first.dayOfWeek + day) % 7);
}

function firstDate(period: number): Temporal.PlainDate {
  return new Temporal.PlainDate(Math.floor(period / 12), (period % 12) + 1, 1);
}

function indexOf(date: Temporal.PlainDate): number {
  return new Temporal.PlainDate(1970, 1, 1).until(date, { largestUnit: "days" }).days;
}

function midnight(zone: string, date: Temporal.PlainDate): number {
  return date.toZonedDateTime(zone).epochMilliseconds / 1000;
}

function zoned(zone: string, at: number): Temporal.ZonedDateTime {
  return Temporal.Instant.fromEpochMilliseconds(at * 1000).toZonedDateTimeISO(zone);
}

/** `YYYY-MM` of a period number. */
export function monthName(period: number): string {
  return `${String(Math.floor(period / 12)).padStart(4, "0")}-${String((period % 12) + 1).padStart(2, "0")}`;
}

/** The period number of `YYYY-MM`; undefined when it is none. */
export function monthNumber(name: string): number | undefined {
  const [, year, month] = /^(\d{4})-(0[1-9]|1[0-2])$/.exec(name) ?? [];
  return year === undefined ? undefined : Number(year) * 12 + Number(month) - 1;
}
