/** Days and months of a time zone, by the browser's own time zone data. Instants are whole seconds UTC. */
export interface ZoneClock {
  readonly zone: string;
  /** Seconds that local clocks are ahead of UTC. */
  offsetAt(instant: number): number;
  /** The local midnight that began the day. */
  dayOf(instant: number): number;
  /** Another day's midnight, so many days later. */
  addDays(day: number, days: number): number;
  /** The same day of another month, or that month's last one. */
  addMonths(day: number, months: number): number;
  /** Midnights from the day of `from` on; the last one is not before `to`. */
  dayEdges(from: number, to: number): readonly number[];
  /** Midnight of a local date; months from 1, and days may be 0 or past the month's end. */
  midnight(year: number, month: number, day: number): number;
  dateOf(instant: number): LocalDate;
  /** Seconds since midnight by the wall clock. */
  wallSeconds(instant: number): number;
}

export interface LocalDate {
  readonly year: number;
  readonly month: number;
  readonly day: number;
  /** 0 is Monday. */
  readonly weekday: number;
}

const daySeconds = 86_400;
/** Offsets change at a quarter of an hour, so one answer holds for it. */
const offsetSeconds = 900;

const clocks = new Map<string, ZoneClock>();

export function zoneClock(zone: string): ZoneClock {
  let clock = clocks.get(zone);
  if (clock === undefined) {
    clock = makeClock(zone);
    clocks.set(zone, clock);
  }
  return clock;
}

function makeClock(zone: string): ZoneClock {
  const offsetAt = rememberedOffsets(zone);

  /** The first instant that clocks show so; where they skip it, the one at which they go on. */
  function toUtc(local: number): number {
    const [before, after] = [local - offsetAt(local - daySeconds), local - offsetAt(local + daySeconds)];
    if (before === after) return before;
    const shown = [before, after].filter((instant) => localOf(instant) === local);
    return shown.length === 0 ? Math.max(before, after) : Math.min(...shown);
  }
  function midnight(year: number, month: number, day: number): number {
    return toUtc(Date.UTC(year, month - 1, day) / 1000);
  }
  function localOf(instant: number): number {
    return instant + offsetAt(instant);
  }
  function dayOf(instant: number): number {
    return toUtc(Math.floor(localOf(instant) / daySeconds) * daySeconds);
  }
  function addDays(day: number, days: number): number {
    return toUtc(Math.floor(localOf(day) / daySeconds + days) * daySeconds);
  }
  function dateOf(instant: number): LocalDate {
    const date = new Date(localOf(instant) * 1000);
    return {
      year: date.getUTCFullYear(),
      month: date.getUTCMonth() + 1,
      day: date.getUTCDate(),
      weekday: (date.getUTCDay() + 6) % 7,
    };
  }
  return {
    zone,
    offsetAt,
    dayOf,
    addDays,
    midnight,
    dateOf,
    addMonths(day, months) {
      const { year, month, day: of } = dateOf(day);
      const last = new Date(Date.UTC(year, month + months, 0)).getUTCDate();
      return midnight(year, month + months, Math.min(of, last));
    },
    dayEdges(from, to) {
      const edges = [dayOf(from)];
      while ((edges.at(-1) as number) < to) edges.push(addDays(edges.at(-1) as number, 1));
      return edges;
    },
    wallSeconds: (instant) => ((localOf(instant) % daySeconds) + daySeconds) % daySeconds,
  };
}

function rememberedOffsets(zone: string): (instant: number) => number {
  const format = new Intl.DateTimeFormat("en-US", {
    timeZone: zone,
    hourCycle: "h23",
    year: "numeric",
    month: "numeric",
    day: "numeric",
    hour: "numeric",
    minute: "numeric",
    second: "numeric",
  });
  const known = new Map<number, number>();
  return (instant) => {
    const slot = Math.floor(instant / offsetSeconds);
    let offset = known.get(slot);
    if (offset === undefined) {
      offset = offsetOf(format, slot * offsetSeconds);
      known.set(slot, offset);
    }
    return offset;
  };
}

function offsetOf(format: Intl.DateTimeFormat, instant: number): number {
  const parts: Record<string, number> = {};
  for (const { type, value } of format.formatToParts(instant * 1000)) parts[type] = Number(value);
  const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = parts;
  return Date.UTC(year, month - 1, day, hour, minute, second) / 1000 - instant;
}
