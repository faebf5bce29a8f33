import { qualityIndexOf } from "../../reading/reading.ts";
import type { ValuationRules } from "../valuation-rules.ts";
import type { Around, Closing } from "./closing.ts";
import { evidenceOf, shownOf, worseOf } from "./closing.ts";
import { share } from "./share.ts";
import { weekProfile } from "./week-profile.ts";

/**
 * `PROFILE_SCALED`: the known total between two readings, shared out as like days were used, and as the intervals say
 * that are there. It is an estimate, and bracketed by what was read.
 */
export function profileScaled(around: Around, rules: ValuationRules): Closing | undefined {
  const { boundary, before, after, intervals, modulus, outages } = around;
  if (before === undefined || after === undefined || before.segment !== after.segment) return undefined;
  if (intervals.length === 0 || after.at - before.at > 2 * rules.reachSecondsMax) return undefined;
  const weigh = weekProfile(intervals, boundary, outages);
  if (weigh === undefined) return undefined;
  const [upTo, onward] = [weigh(before.at, boundary), weigh(boundary, after.at)];
  if (upTo === null || onward === null || upTo + onward <= 0 || !Number.isSafeInteger(upTo + onward)) return undefined;
  const total = before.total + share(after.total - before.total, upTo, upTo + onward);
  return {
    value: shownOf(before, total, modulus),
    total,
    segment: before.segment,
    quality: worseOf("estimated", Math.max(qualityIndexOf(before.code), qualityIndexOf(after.code))),
    method: "PROFILE_SCALED",
    by: before,
    before: evidenceOf(before),
    after: evidenceOf(after),
  };
}
