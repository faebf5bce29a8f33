import { qualityIndexOf } from "../../reading/reading.ts";
import type { SnapshotQuality } from "../../snapshot/snapshot.ts";
import { secondsWithin } from "../../time/stretches.ts";
import type { ValuationRules } from "../valuation-rules.ts";
import type { Around, Closing } from "./closing.ts";
import { evidenceOf, shownOf, worseOf } from "./closing.ts";
import { share } from "./share.ts";

/** `LINEAR_SHORT`: on the straight line between two readings that are close together. */
export function linearShort(around: Around, rules: ValuationRules): Closing | undefined {
  return onTheLine(around, { method: "LINEAR_SHORT", quality: "derived", gapSecondsMax: rules.linearGapSecondsMax });
}

/** To the nearest whole base unit: between both, so bracketed by truth. */
export function onTheLine(
  { boundary, before, after, modulus, outages }: Around,
  by: {
    readonly method: "LINEAR_SHORT" | "FLAT_BETWEEN";
    readonly quality: SnapshotQuality;
    readonly gapSecondsMax: number;
  },
): Closing | undefined {
  if (before === undefined || after === undefined || before.segment !== after.segment) return undefined;
  const gap = after.at - before.at;
  if (gap > by.gapSecondsMax) return undefined;
  const dark = secondsWithin(outages, { from: before.at, to: after.at });
  // Nothing is used while there is no supply, unless there was none at all and something was counted.
  const [active, part] =
    dark === gap
      ? [gap, boundary - before.at]
      : [gap - dark, boundary - before.at - secondsWithin(outages, { from: before.at, to: boundary })];
  const total = before.total + share(after.total - before.total, part, active);
  return {
    value: shownOf(before, total, modulus),
    total,
    segment: before.segment,
    quality: worseOf(by.quality, Math.max(qualityIndexOf(before.code), qualityIndexOf(after.code))),
    method: by.method,
    by: before,
    before: evidenceOf(before),
    after: evidenceOf(after),
  };
}
