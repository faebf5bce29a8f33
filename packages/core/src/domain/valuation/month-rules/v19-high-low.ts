import type { ValuationRules } from "../valuation-rules.ts";

/** What was used in some time, in base units and seconds. */
export interface Use {
  readonly amount: number;
  readonly seconds: number;
}

/** V19: a use of a day that is far from what it was before. */
export function isHighOrLow(
  use: Use,
  before: Use,
  { lowUsePercent, highUsePercent, useDifferenceMin }: ValuationRules,
): boolean {
  if (use.seconds <= 0 || before.seconds <= 0) return false;
  const expected = (before.amount / before.seconds) * use.seconds;
  if (Math.abs(use.amount - expected) < useDifferenceMin) return false;
  const percent = use.amount * 100;
  return percent > expected * highUsePercent || percent < expected * lowUsePercent;
}
