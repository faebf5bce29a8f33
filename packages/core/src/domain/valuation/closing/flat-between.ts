import type { ValuationRules } from "../valuation-rules.ts";
import type { Around, Closing } from "./closing.ts";
import { onTheLine } from "./linear-short.ts";

/**
 * `FLAT_BETWEEN`: the known total between two readings, spread evenly. It is an estimate, and bracketed by what was
 * read.
 */
export function flatBetween(around: Around, rules: ValuationRules): Closing | undefined {
  return onTheLine(around, { method: "FLAT_BETWEEN", quality: "estimated", gapSecondsMax: rules.betweenSecondsMax });
}
