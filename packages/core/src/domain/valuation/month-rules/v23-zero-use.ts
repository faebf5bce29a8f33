import type { ValuationRules } from "../valuation-rules.ts";
import type { JudgedRow } from "./judged-row.ts";

/**
 * V23: a place whose supply is on and that has used nothing at all, for all of the month's time that is known, if that
 * is long enough. Of active energy taken from the grid only: other quantities stand still for long, and rightly.
 */
export function isZeroUse({ register, consumption, quality }: JudgedRow, seconds: number, rules: ValuationRules) {
  if (register !== "1.8.0" || consumption !== 0 || seconds < rules.zeroUseSecondsMin) return false;
  return quality === "actual" || quality === "derived";
}
