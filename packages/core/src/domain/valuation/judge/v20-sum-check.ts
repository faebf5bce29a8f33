import type { ValuationRules } from "../valuation-rules.ts";

/**
 * V20: the sum of the intervals of a month differs from what the register counted by more than two of its steps, or a
 * thousandth.
 */
export function sumDiffers(sum: number, counted: number, rules: ValuationRules): boolean {
  const tolerance = Math.max(2 * rules.registerStep, (counted * rules.sumDifferencePerMille) / 1000);
  return Math.abs(sum - counted) > tolerance;
}
