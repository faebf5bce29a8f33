import type { ReadingSeries } from "../../reading/reading.ts";
import { type Stretch, secondsWithin } from "../../time/stretches.ts";
import { chooseIntervals, uncovered } from "../cover/cover-intervals.ts";

/** How much is likely to be used between two instants, in no unit; null where that cannot be told. */
export type Weigh = (from: number, to: number) => number | null;

const hour = 3600;
const hoursOfWeek = 7 * 24;
/** So far back hours say what is used at their time of the week. */
const profileSeconds = 35 * 86_400;
/** Of fewer hours nothing is made. */
const knownSecondsMin = 7 * 86_400;
/** An hour of the week counts beside so many that are the mean of that hour of all days. */
const usualHours = 6;
/** Rates are whole numbers: thousandths of a base unit an hour. */
const fine = 1000;

/**
 * Like days: each hour of the week as it was in the weeks before an instant, drawn to what is usual at that hour of any
 * day. Intervals that are there weigh what they say. Nothing is used in outages. Undefined where too little is known.
 */
export function weekProfile(
  intervals: readonly ReadingSeries[],
  before: number,
  outages: readonly Stretch[],
): Weigh | undefined {
  const fineOnes = intervals.filter(({ channel }) => channel.stepSeconds <= hour);
  if (fineOnes.length === 0) return undefined;
  const rates = ratesOf(fineOnes, before, outages);
  if (rates === undefined) return undefined;
  return (from, to) => {
    const there = chooseIntervals(fineOnes, from, to);
    let weight = there.reduce((sum, { value }) => sum + value * hour * fine, 0);
    for (const gap of uncovered(there, { from, to })) weight += weightOf(rates, gap, outages);
    return Number.isSafeInteger(weight) ? weight : null;
  };
}

function ratesOf(intervals: readonly ReadingSeries[], before: number, outages: readonly Stretch[]) {
  const week = tally(hoursOfWeek);
  const day = tally(24);
  let known = 0;
  for (const { from, to, value } of chooseIntervals(intervals, before - profileSeconds, before)) {
    const seconds = to - from - secondsWithin(outages, { from, to });
    if (seconds <= 0) continue;
    known += seconds;
    week.add(hourOf(from), value, seconds);
    day.add(hourOf(from) % 24, value, seconds);
  }
  if (known < knownSecondsMin) return undefined;
  const rates = Array.from({ length: hoursOfWeek }, (_, index) => {
    const usual = day.seconds(index % 24);
    if (usual === 0) return null;
    // The mean of that hour of all days, as if it had been seen in so many weeks more.
    const [extra, own] = [usualHours * hour, week.seconds(index)];
    const amount = week.amount(index) + (day.amount(index % 24) * extra) / usual;
    return Math.round((amount * hour * fine) / (own + extra));
  });
  return rates.every((rate) => rate !== null) ? rates : undefined;
}

function tally(length: number) {
  const [amounts, times] = [new Array<number>(length).fill(0), new Array<number>(length).fill(0)];
  return {
    add(index: number, amount: number, seconds: number) {
      amounts[index] = (amounts[index] as number) + amount;
      times[index] = (times[index] as number) + seconds;
    },
    amount: (index: number) => amounts[index] as number,
    seconds: (index: number) => times[index] as number,
  };
}

function hourOf(at: number): number {
  return Math.floor(at / hour) % hoursOfWeek;
}

function weightOf(rates: readonly number[], { from, to }: Stretch, outages: readonly Stretch[]): number {
  let weight = 0;
  for (let at = from; at < to; ) {
    const end = Math.min(to, (Math.floor(at / hour) + 1) * hour);
    const lit = end - at - secondsWithin(outages, { from: at, to: end });
    weight += (rates[hourOf(at)] as number) * lit;
    at = end;
  }
  return weight;
}
