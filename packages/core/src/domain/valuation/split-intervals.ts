import type { ReadingSeries } from "../reading/reading.ts";
import { lowerBound, originOf, qualityIndexOf, readingCode, readingQualities } from "../reading/reading.ts";
import { share } from "./closing/share.ts";

/**
 * Intervals that go on across instants where a month is cut, in parts beside the whole: evenly spread, so derived. The
 * parts together are the whole amount.
 */
export function splitAt(series: readonly ReadingSeries[], cuts: readonly number[]): readonly ReadingSeries[] {
  return cuts.length === 0 ? series : [...series, ...series.flatMap((one) => partsAt(one, cuts))];
}

function partsAt(series: ReadingSeries, cuts: readonly number[]): readonly ReadingSeries[] {
  const { stepSeconds } = series.channel;
  const across = new Set<number>();
  for (const cut of cuts) {
    for (let i = lowerBound(series, cut + 1); i < series.at.length; i += 1) {
      if ((series.at[i] as number) - stepSeconds >= cut) break;
      across.add(i);
    }
  }
  return [...across].flatMap((index) => partsOf(series, index, cuts));
}

function partsOf(series: ReadingSeries, index: number, cuts: readonly number[]): readonly ReadingSeries[] {
  const { stepSeconds } = series.channel;
  const [to, value, code] = [series.at[index] as number, series.value[index] as number, series.code[index] as number];
  const from = to - stepSeconds;
  const quality = readingQualities[Math.max(qualityIndexOf(code), 1)] ?? "suspect";
  const bounds = [from, ...cuts.filter((cut) => cut > from && cut < to), to];
  const upTo = (at: number) => (at === to ? value : share(value, at - from, stepSeconds));
  return bounds.slice(1).map((end, part) => {
    const begin = bounds[part] as number;
    return {
      channel: { ...series.channel, stepSeconds: end - begin },
      at: [end],
      value: [upTo(end) - (begin === from ? 0 : upTo(begin))],
      code: [readingCode(quality, originOf(code))],
    };
  });
}
