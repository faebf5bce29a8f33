import type { RegisterSpec } from "../known-meter.ts";
import type { ValuationRules } from "../valuation-rules.ts";
import type { Point } from "./point.ts";
import { isAboveCeilingBetween } from "./v17-above-ceiling.ts";

/**
 * V14: a lower reading is a wrap of the counter where its digits are known and the connection can have used what lies
 * between; where its power is not known, only from the last tenth of the range.
 */
export function isWrap(earlier: Point, later: Point, spec: RegisterSpec, rules: ValuationRules): boolean {
  const { modulus, hourlyMax } = spec;
  if (modulus === undefined || earlier.value >= modulus || later.value >= earlier.value) return false;
  if (hourlyMax === undefined) return earlier.value * 100 >= modulus * rules.wrapsFromPercent;
  const time = { from: earlier.at, to: later.at };
  return !isAboveCeilingBetween(modulus - earlier.value + later.value, time, spec, rules);
}
