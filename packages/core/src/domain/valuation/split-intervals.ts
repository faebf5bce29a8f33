import type { ReadingSeries } from "../reading/reading.ts";
import { lowerBound, originOf, qualityIndexOf, readingCode, readingQualities } from "../reading/reading.ts";
import { share } from "./closing/share.ts";

/**
 * Intervals that go on across an instant where a month is cut, in two parts beside the whole: evenly spread, so
 * derived. Both together are the whole amount.
 */
export function splitAt(series: readonly ReadingSeries[], cuts: readonly number[]): readonly ReadingSeries[] {
  let all = series;
  for (const cut of cuts) all = [...all, ...all.flatMap((one) => partsAt(one, cut))];
  return all;
}

function partsAt(series: ReadingSeries, cut: number): readonly ReadingSeries[] {
  const { stepSeconds } = series.channel;
  const index = lowerBound(series, cut + 1);
  const to = series.at[index];
  if (to === undefined || to - stepSeconds >= cut) return [];
  const [value, code] = [series.value[index] as number, series.code[index] as number];
  const quality = readingQualities[Math.max(qualityIndexOf(code), 1)] ?? "suspect";
  const before = share(value, cut - (to - stepSeconds), stepSeconds);
  const part = (seconds: number, at: number, amount: number): ReadingSeries => ({
    channel: { ...series.channel, stepSeconds: seconds },
    at: [at],
    value: [amount],
    code: [readingCode(quality, originOf(code))],
  });
  return [part(stepSeconds - (to - cut), cut, before), part(to - cut, to, value - before)];
}
