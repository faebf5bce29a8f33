import type { ZoneClock } from "../time/zone-clock.ts";
import { type Curve, powerAt } from "./curve.ts";
import { quantile } from "./figures.ts";

/**
 * Watts by time of the wall clock: half of such days more, and the band that eight of ten are in. NaN where nothing is
 * known.
 */
export interface TypicalDay {
  readonly days: number;
  readonly median: Float64Array;
  readonly low: Float64Array;
  readonly high: Float64Array;
}

/** One for each weekday, Monday first. */
export function typicalDays(curve: Curve, clock: ZoneClock, stepSeconds: number): readonly TypicalDay[] {
  const rows = Math.floor(86_400 / stepSeconds);
  const found = Array.from({ length: 7 }, () => Array.from({ length: rows }, (): number[] => []));
  const days = Array.from({ length: 7 }, () => new Set<number>());
  const ends = endOfDay(clock);
  for (let i = 0; i < curve.value.length; i += 1) {
    const watts = powerAt(curve, i);
    if (Number.isNaN(watts)) continue;
    const from = curve.from[i] as number;
    const { day, weekday, isPlain } = ends(from);
    const wall = isPlain ? from - day : clock.wallSeconds(from);
    found[weekday]?.[Math.floor(wall / stepSeconds)]?.push(watts);
    days[weekday]?.add(day);
  }
  return found.map((times, weekday) => {
    const sorted = times.map((watts) => Float64Array.from(watts).sort());
    const at = (share: number) => Float64Array.from(sorted, (watts) => quantile(watts, share) ?? Number.NaN);
    return { days: days[weekday]?.size ?? 0, median: at(0.5), low: at(0.1), high: at(0.9) };
  });
}

/** Instants come ascending, so that the day is looked up once. */
function endOfDay(clock: ZoneClock) {
  let [day, end, weekday] = [0, 0, 0];
  return (instant: number) => {
    if (instant >= end || instant < day) {
      day = clock.dayOf(instant);
      end = clock.addDays(day, 1);
      weekday = clock.dateOf(day).weekday;
    }
    return { day, weekday, isPlain: end - day === 86_400 };
  };
}
