import { qualityOf } from "../../reading/reading.ts";
import type { ValuationRules } from "../valuation-rules.ts";
import type { Anchor, Around, Closing } from "./closing.ts";
import { evidenceOf } from "./closing.ts";

/**
 * `EXACT`: an accepted reading within the snap distance; the closest, and at a tie the one at or before the boundary.
 */
export function exact({ boundary, before, after }: Around, { snapSeconds }: ValuationRules): Closing | undefined {
  const ago = before === undefined ? Number.POSITIVE_INFINITY : boundary - before.at;
  const ahead = after === undefined ? Number.POSITIVE_INFINITY : after.at - boundary;
  if (Math.min(ago, ahead) > snapSeconds) return undefined;
  const chosen = (ago <= ahead ? before : after) as Anchor;
  return {
    value: chosen.value,
    total: chosen.total,
    segment: chosen.segment,
    quality: qualityOf(chosen.code),
    method: "EXACT",
    by: chosen,
    before: evidenceOf(before),
    after: evidenceOf(after),
  };
}
