import { type LocalDate, type ZoneClock, zoneClock } from "../../../services/web/src/time/zone-clock.ts";
import type { Outgoing } from "../network/publisher.ts";

export const shownZone = "Europe/Kyiv";
const clock = zoneClock(shownZone);
const stepSeconds = 900;

interface Interval {
  readonly at: number;
  readonly value: number;
  readonly quality?: string;
}

/** Meters that the simulated fleet does not have, reported as of now. */
export interface ShownMeters {
  /** A day of 23 hours and one of 25; the value of a quarter hour is its number in the day, from 1. */
  readonly clockDays: { readonly meterId: string; readonly spring: number; readonly autumn: number };
  /** Ten days: six hours of the second are missing, four of the third estimated. */
  readonly holes: { readonly meterId: string; readonly from: number };
  /** A register, read each midnight of 75 days; on the 15th of the last month it shows less than the day before. */
  readonly doubt: { readonly meterId: string; readonly at: number; readonly register: string };
  /** 366 days of quarter hours. */
  readonly year: { readonly meterId: string; readonly from: number; readonly to: number };
}

export function shownMeters(nowMs: number): ShownMeters {
  const today = clock.dayOf(nowMs / 1000);
  const { year, month } = clock.dateOf(today);
  return {
    clockDays: { meterId: "clock-1", spring: lastSunday(year - 1, 3), autumn: lastSunday(year - 1, 10) },
    holes: { meterId: "holes-1", from: clock.addDays(today, -10) },
    doubt: { meterId: "doubt-1", at: clock.midnight(year, month - 1, 15), register: "1.8.0" },
    year: { meterId: "year-1", from: clock.addDays(today, -366), to: today },
  };
}

/** When clocks change in the zone. */
function lastSunday(year: number, month: number): number {
  const last = clock.addDays(clock.midnight(year, month + 1, 1), -1);
  const { weekday }: LocalDate = clock.dateOf(last);
  return clock.addDays(last, -((weekday + 1) % 7));
}

export function messagesOf({ clockDays, holes, doubt, year }: ShownMeters): readonly Outgoing[] {
  const days = [clockDays.spring, clockDays.autumn];
  return [
    ...days.map((day) =>
      message(
        clockDays.meterId,
        quarterHours(day, (i) => ({ value: i + 1 })),
      ),
    ),
    ...holeDays(holes.from).map((intervals) => message(holes.meterId, intervals)),
    ...daysBetween(year.from, year.to).map((day, d) =>
      message(
        year.meterId,
        quarterHours(day, (i) => yearValue(d, i)),
      ),
    ),
    doubtMessage(doubt, year.to),
    { topic: "meters/refused-1/readings/json", payload: refusedJson },
    { topic: "meters/refused-2/readings", payload: Buffer.from("0aff7f", "hex") },
  ];
}

const refusedJson = '{"readings":[{"at":"2026-11-01T00:00:00Z","register":"1.8.0","value":"1.5","unit":"kWhh"}]}';

function yearValue(day: number, i: number): { value: number } {
  const season = 1 + Math.cos((day / 366) * 2 * Math.PI) / 2;
  const hour = i / 4;
  return { value: Math.round((40 + 160 * Math.exp(-((hour - 19) ** 2) / 6) + ((day * 31 + i * 17) % 23)) * season) };
}

function holeDays(from: number): Interval[][] {
  return daysBetween(from, clock.addDays(from, 10)).map((day, d) => {
    const all = quarterHours(day, (i) =>
      d === 2 && i >= 32 && i < 48 ? { value: 120, quality: "estimated" } : { value: 60 + ((i * 7) % 50) },
    );
    return d === 1 ? all.filter((_, i) => i < 40 || i >= 64) : all;
  });
}

function daysBetween(from: number, to: number): number[] {
  return [...clock.dayEdges(from, to)].slice(0, -1);
}

function quarterHours(day: number, value: (i: number) => Omit<Interval, "at">): Interval[] {
  const steps = (clock.addDays(day, 1) - day) / stepSeconds;
  return Array.from({ length: steps }, (_, i) => ({ at: day + (i + 1) * stepSeconds, ...value(i) }));
}

/** Twelve kilowatt-hours a day. */
function doubtMessage({ meterId, at, register }: ShownMeters["doubt"], today: number): Outgoing {
  const readings = daysBetween(clock.addDays(today, -75), today).map((day, i) => ({
    ...{ at: new Date(day * 1000).toISOString(), register, unit: "Wh" },
    value: 5_000_000 + i * 12_000 - (day === at ? 60_000 : 0),
  }));
  return { topic: `meters/${meterId}/readings/json`, payload: JSON.stringify({ readings }) };
}

function message(meterId: string, intervals: readonly Interval[]): Outgoing {
  const readings = intervals.map(({ at, ...rest }) => ({
    ...{ at: new Date(at * 1000).toISOString(), register: "1.8.0", kind: "interval", stepSeconds, unit: "Wh" },
    ...rest,
  }));
  return { topic: `meters/${meterId}/readings/json`, payload: JSON.stringify({ readings }) };
}

export function shownClock(): ZoneClock {
  return clock;
}

/** A month that is over in the zone of the pages, the last one for 1: `2026-10`. */
export function monthOver(back: number): string {
  const { year, month } = clock.dateOf(Date.now() / 1000);
  return new Date(Date.UTC(year, month - 1 - back, 15)).toISOString().slice(0, 7);
}
