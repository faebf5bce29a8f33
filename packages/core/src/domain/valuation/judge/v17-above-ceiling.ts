import type { Limit, RegisterSpec } from "../known-meter.ts";
import type { ValuationRules } from "../valuation-rules.ts";

/**
 * V17: more than the connection can carry in that time, and a step of the register. Without a connection power nothing
 * is.
 */
export function isAboveCeiling(
  amount: number,
  seconds: number,
  { hourlyMax }: Pick<RegisterSpec, "hourlyMax">,
  { ceilingPercent, registerStep }: ValuationRules,
): boolean {
  if (hourlyMax === undefined) return false;
  return amount > (hourlyMax * seconds * ceilingPercent) / (100 * 3600) + registerStep;
}

/** The same of a time in which the connection or the multiplier may have changed. */
export function isAboveCeilingBetween(
  amount: number,
  { from, to }: { readonly from: number; readonly to: number },
  spec: RegisterSpec,
  rules: ValuationRules,
): boolean {
  if (spec.limits === undefined || to <= from) return isAboveCeiling(amount, to - from, spec, rules);
  const hourlyMax = meanWithin(spec.limits, from, to);
  return isAboveCeiling(amount, to - from, { hourlyMax }, rules);
}

/** Undefined where it is not known of a part. */
function meanWithin(limits: readonly Limit[], from: number, to: number): number | undefined {
  let carried = 0;
  for (let i = 0; i < limits.length; i += 1) {
    const begin = i === 0 ? from : Math.max(from, (limits[i] as Limit).from);
    const seconds = Math.min(to, limits[i + 1]?.from ?? to) - begin;
    if (seconds <= 0) continue;
    const { hourlyMax } = limits[i] as Limit;
    if (hourlyMax === undefined) return undefined;
    carried += hourlyMax * seconds;
  }
  return carried / (to - from);
}
