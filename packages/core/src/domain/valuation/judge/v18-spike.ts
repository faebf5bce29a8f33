import type { ReadingSeries } from "../../reading/reading.ts";
import { lowerBound } from "../../reading/reading.ts";
import type { ValuationRules } from "../valuation-rules.ts";

/** Whether an interval can be a spike of any day at all: nothing less need be looked at. */
export function canBeSpike(
  amount: number,
  { unit, stepSeconds }: ReadingSeries["channel"],
  multiplier: number,
  { spikeFloorW, spikePercentMin }: ValuationRules,
): boolean {
  if (unit !== "Wh") return false;
  return amount * multiplier * 3600 * 100 > spikeFloorW * stepSeconds * (100 + spikePercentMin);
}

const daySeconds = 86_400;

/**
 * V18: the greatest interval of a day, if it is further above the third greatest than is usual. Days are those of UTC,
 * so that nothing depends on a zone. Answers indexes, ascending.
 */
export function spikesOf(series: ReadingSeries, multiplier: number, rules: ValuationRules): number[] {
  const { at, value, channel } = series;
  const spikes: number[] = [];
  let judgedDay = -1;
  for (let i = 0; i < at.length; i += 1) {
    if (!canBeSpike(value[i] as number, channel, multiplier, rules)) continue;
    const day = dayOf(at[i] as number);
    if (day === judgedDay) continue;
    judgedDay = day;
    const spike = spikeOfDay(series, day, multiplier, rules);
    if (spike !== undefined) spikes.push(spike);
  }
  return spikes;
}

/** An interval that ends at midnight is of the day that ends there. */
function dayOf(at: number): number {
  return Math.floor((at - 1) / daySeconds);
}

function spikeOfDay(series: ReadingSeries, day: number, multiplier: number, rules: ValuationRules): number | undefined {
  const { at, value, channel } = series;
  const first = lowerBound(series, day * daySeconds + 1);
  let greatest = first;
  const top = [-1, -1, -1];
  for (let i = first; i < at.length && dayOf(at[i] as number) === day; i += 1) {
    const amount = value[i] as number;
    if (amount > (value[greatest] as number)) greatest = i;
    top.push(amount);
    top.sort((a, b) => b - a).pop();
  }
  const [max, , third] = top as [number, number, number];
  if (third < 0 || third * multiplier * 3600 < rules.spikeFloorW * channel.stepSeconds) return undefined;
  return (max - third) * 100 > third * rules.spikePercentMin ? greatest : undefined;
}
