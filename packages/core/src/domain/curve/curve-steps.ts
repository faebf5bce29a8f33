import type { LocalCalendar } from "../time/local-calendar.ts";

/** Lengths of the steps of a curve. `native`: as the meter reports. Days and months are local. */
export const resolutions = ["native", "PT15M", "PT30M", "PT1H", "P1D", "P1M"] as const;
export type Resolution = (typeof resolutions)[number];
export type SteppedResolution = Exclude<Resolution, "native">;

const clockSeconds = { PT15M: 900, PT30M: 1800, PT1H: 3600 } as const;

/**
 * The edges of the steps that overlap `from <= t < to`, ascending; step i lies between edge i and i + 1. Seconds UTC.
 *
 * Clock steps are counted from local midnight, so that they line up with the local clock where the zone has half hours
 * too; where a day is not a whole number of steps (Lord Howe, twice a year), its last step is shorter.
 */
export function stepEdges(calendar: LocalCalendar, resolution: SteppedResolution, from: number, to: number): number[] {
  if (to <= from) return [];
  if (resolution === "P1M") return monthEdges(calendar, from, to);
  const days = dayEdges(calendar, from, to);
  return resolution === "P1D" ? days : clockEdges(days, clockSeconds[resolution], from, to);
}

function monthEdges(calendar: LocalCalendar, from: number, to: number): number[] {
  let period = calendar.periodOf(from);
  const edges = [calendar.startOf(period)];
  while ((edges.at(-1) as number) < to) {
    period += 1;
    edges.push(calendar.startOf(period));
  }
  return edges;
}

function dayEdges(calendar: LocalCalendar, from: number, to: number): number[] {
  let day = calendar.dayOf(from);
  const edges = [day];
  while (day < to) {
    day = nextDay(calendar, day);
    edges.push(day);
  }
  return edges;
}

/**
 * Days have 22 to 26 hours, so this instant is within the next one; `dayOf` remembers its answers, `addDays` does not.
 */
function nextDay(calendar: LocalCalendar, day: number): number {
  return calendar.dayOf(day + 26 * 3600);
}

function clockEdges(days: readonly number[], seconds: number, from: number, to: number): number[] {
  const edges: number[] = [];
  for (let i = 0; i + 1 < days.length; i += 1) {
    const end = days[i + 1] as number;
    for (let edge = days[i] as number; edge < end && edge < to; edge += seconds) {
      if (Math.min(edge + seconds, end) > from) edges.push(edge);
    }
  }
  const last = edges.at(-1);
  if (last !== undefined) edges.push(Math.min(last + seconds, days.at(-1) as number));
  return edges;
}
