import { quartersOfDay } from "./local-days.ts";

/** How a kind of customer uses energy through the week. Powers are relative: only their proportions count. */
interface Habit {
  /** Power at an hour of the clock (0 <= hour < 24, with fractions) of a working day. */
  readonly weekday: (hour: number) => number;
  readonly weekend: (hour: number) => number;
  /** How much of a usual day's energy is used, Sunday first. */
  readonly byWeekday: readonly [number, number, number, number, number, number, number];
}

const habits = {
  home: {
    weekday: (hour) => 0.35 + 0.7 * hill(hour, 7, 1.1) + 0.35 * hill(hour, 13, 3) + 1.7 * hill(hour, 19.5, 2.1),
    weekend: (hour) => 0.35 + 0.6 * hill(hour, 9.5, 1.8) + 0.7 * hill(hour, 13.5, 2.8) + 1.5 * hill(hour, 19.5, 2.3),
    byWeekday: [1.15, 0.96, 0.95, 0.95, 0.96, 0.98, 1.12],
  },
  office: {
    weekday: (hour) => 0.2 + 1.6 * open(hour, 8, 18),
    weekend: (hour) => 0.2 + 0.1 * open(hour, 9, 17),
    byWeekday: [0.25, 1, 1.02, 1.02, 1.01, 0.95, 0.3],
  },
  shop: {
    weekday: (hour) => 0.35 + 1.2 * open(hour, 9, 20),
    weekend: (hour) => 0.35 + 1.2 * open(hour, 10, 17),
    byWeekday: [0.6, 0.98, 0.98, 1, 1, 1.08, 1.1],
  },
  factory: {
    weekday: (hour) => 0.3 + 1.5 * open(hour, 6, 22),
    weekend: (hour) => 0.3 + 0.2 * open(hour, 6, 14),
    byWeekday: [0.18, 1, 1, 1.01, 1, 0.97, 0.35],
  },
  restaurant: {
    weekday: (hour) => 0.3 + 0.8 * hill(hour, 12.5, 1.5) + 1.3 * hill(hour, 19.5, 2),
    weekend: (hour) => 0.3 + 1 * hill(hour, 13, 2) + 1.4 * hill(hour, 20, 2.2),
    byWeekday: [1.25, 0.55, 0.9, 0.95, 1, 1.2, 1.3],
  },
} satisfies Record<string, Habit>;

export type TradeName = Exclude<keyof typeof habits, "home">;
export const tradeNames = (Object.keys(habits) as (keyof typeof habits)[]).filter((name) => name !== "home");

/** Day tariff 07:00 to 23:00 of the wall clock, night tariff the rest. */
export function isDayTariff(quarterOfClock: number): boolean {
  return quarterOfClock >= 7 * 4 && quarterOfClock < 23 * 4;
}

export function weekdayFactor(trade: TradeName | "home", weekday: number): number {
  return habits[trade].byWeekday[weekday] as number;
}

const shapes = new Map<string, Float64Array>();

/** Relative use in each quarter hour of the wall clock, for habits that run `hourShift` (whole quarters) later. */
export function dayShape(trade: TradeName | "home", weekday: number, hourShift: number): Float64Array {
  const free = weekday === 0 || weekday === 6;
  const key = `${trade}|${free}|${hourShift}`;
  const known = shapes.get(key);
  if (known !== undefined) return known;
  const power = free ? habits[trade].weekend : habits[trade].weekday;
  const made = Float64Array.from({ length: quartersOfDay }, (_, quarter) => power((quarter / 4 - hourShift + 24) % 24));
  shapes.set(key, made);
  return made;
}

/** The share of the night tariff in a usual week. */
export function nightShare(trade: TradeName | "home", hourShift: number): number {
  let night = 0;
  let all = 0;
  for (let weekday = 0; weekday < 7; weekday += 1) {
    const shape = dayShape(trade, weekday, hourShift);
    const sum = shape.reduce((a, b) => a + b, 0);
    const atNight = shape.reduce((total, use, quarter) => (isDayTariff(quarter) ? total : total + use), 0);
    night += (weekdayFactor(trade, weekday) * atNight) / sum;
    all += weekdayFactor(trade, weekday);
  }
  return night / all;
}

const suns = new Map<number, Float64Array>();

/** Sunshine in each quarter hour of the wall clock, 0 to 1. `month` is 1 to 12. */
export function sunshine(month: number): Float64Array {
  const known = suns.get(month);
  if (known !== undefined) return known;
  const halfDayHours = 6 - 2.2 * seasonOf(month);
  const made = Float64Array.from({ length: quartersOfDay }, (_, quarter) => {
    const fromNoon = Math.abs(quarter / 4 - 13) / halfDayHours;
    return fromNoon >= 1 ? 0 : Math.cos((fromNoon * Math.PI) / 2) ** 1.5;
  });
  suns.set(month, made);
  return made;
}

/** 1 in the depth of winter, -1 at midsummer. `month` is 1 to 12. */
export function seasonOf(month: number): number {
  return Math.cos(((month - 0.7) / 12) * 2 * Math.PI);
}

function hill(hour: number, top: number, width: number): number {
  const away = Math.min(Math.abs(hour - top), 24 - Math.abs(hour - top)) / width;
  return Math.exp(-away * away);
}

/** 1 between the hours, rising and falling within about an hour. */
function open(hour: number, from: number, to: number): number {
  return 1 / (1 + Math.exp(-(hour - from) * 4)) / (1 + Math.exp((hour - to) * 4));
}
