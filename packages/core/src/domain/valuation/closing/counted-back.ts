import type { ReadingSeries } from "../../reading/reading.ts";
import { lowerBound, qualityIndexOf, readingAt } from "../../reading/reading.ts";
import { coverIntervals } from "../cover/cover-intervals.ts";
import type { RegisterLine } from "../line/register-line.ts";
import type { ValuationRules } from "../valuation-rules.ts";
import type { Closing } from "./closing.ts";
import { evidenceOf, worseOf } from "./closing.ts";

/**
 * What a register showed where a month begins, if its first reading comes later and unbroken intervals lie between:
 * they are taken off that reading.
 */
export function countedBack(
  line: RegisterLine,
  intervals: readonly ReadingSeries[],
  from: number,
  { lookBackSecondsMax }: ValuationRules,
): Closing | undefined {
  const index = lowerBound(line, from);
  if (intervals.length === 0 || index >= line.at.length) return undefined;
  const after = readingAt(line, index);
  if (after.at - from > lookBackSecondsMax) return undefined;
  const cover = coverIntervals(intervals, from, after.at);
  const total = (line.total[index] as number) - cover.sum;
  if (cover.coveredSeconds !== after.at - from || after.value < cover.sum || !Number.isSafeInteger(total))
    return undefined;
  return {
    value: after.value - cover.sum,
    total,
    segment: line.segment[index] as number,
    quality: worseOf("derived", Math.max(cover.worst, qualityIndexOf(after.code))),
    method: "REG_PLUS_INTERVALS",
    by: after,
    before: null,
    after: evidenceOf(after),
  };
}
