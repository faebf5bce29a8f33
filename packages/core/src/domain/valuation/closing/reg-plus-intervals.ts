import { checkedAmount } from "../../quantity/amount.ts";
import { qualityIndexOf, type ReadingSeries } from "../../reading/reading.ts";
import { coverIntervals } from "../cover/cover-intervals.ts";
import type { ValuationRules } from "../valuation-rules.ts";
import type { Anchor, Around, Closing } from "./closing.ts";
import { evidenceOf, shownOf, worseOf } from "./closing.ts";
import { share } from "./share.ts";

/**
 * `REG_PLUS_INTERVALS`: the nearest earlier register plus unbroken intervals up to the boundary. Where a register
 * follows soon and intervals reach it too, they are scaled so that the sums agree; where they do not, the result must
 * not exceed it.
 */
export function regPlusIntervals(around: Around, rules: ValuationRules): Closing | undefined {
  const { boundary, before, intervals, modulus } = around;
  if (before === undefined || intervals.length === 0) return undefined;
  if (boundary - before.at > rules.lookBackSecondsMax) return undefined;
  const upTo = unbroken(intervals, before.at, boundary);
  if (upTo === undefined) return undefined;
  const after = registerSoonAfter(around, rules);
  if (after !== undefined && after.segment !== before.segment) return undefined;
  const onward = after === undefined ? undefined : unbroken(intervals, boundary, after.at);
  const isScaled = after !== undefined && onward !== undefined && upTo.sum + onward.sum > 0;
  // Intervals that add up beyond what an amount can be say nothing of how it was shared.
  if (isScaled && checkedAmount(upTo.sum + onward.sum) === null) return undefined;
  const used = isScaled ? share(after.total - before.total, upTo.sum, upTo.sum + onward.sum) : upTo.sum;
  const total = checkedAmount(before.total + used);
  if (after !== undefined && (total === null || total > after.total)) return undefined;
  const inputs = Math.max(
    qualityIndexOf(before.code),
    upTo.worst,
    isScaled ? Math.max(qualityIndexOf(after.code), onward.worst) : 0,
  );
  return {
    value: total === null ? null : shownOf(before, total, modulus),
    total,
    segment: before.segment,
    quality: total === null ? "suspect" : worseOf("derived", inputs),
    method: "REG_PLUS_INTERVALS",
    by: before,
    before: evidenceOf(before),
    after: isScaled ? evidenceOf(after) : null,
  };
}

function registerSoonAfter({ boundary, after }: Around, { scaleSecondsMax }: ValuationRules): Anchor | undefined {
  return after !== undefined && after.at <= boundary + scaleSecondsMax ? after : undefined;
}

function unbroken(
  intervals: readonly ReadingSeries[],
  from: number,
  to: number,
): { readonly sum: number; readonly worst: number } | undefined {
  const cover = coverIntervals(intervals, from, to);
  return cover.coveredSeconds === to - from ? cover : undefined;
}
