import type { RegisterSpec } from "../known-meter.ts";
import type { ValuationRules } from "../valuation-rules.ts";

/**
 * V17: more than the connection can carry in that time, and a step of the register. Without a connection power nothing
 * is.
 */
export function isAboveCeiling(
  amount: number,
  seconds: number,
  { hourlyMax }: RegisterSpec,
  { ceilingPercent, registerStep }: ValuationRules,
): boolean {
  if (hourlyMax === undefined) return false;
  return amount > (hourlyMax * seconds * ceilingPercent) / (100 * 3600) + registerStep;
}
