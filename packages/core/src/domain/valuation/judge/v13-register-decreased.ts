import type { RegisterSpec } from "../known-meter.ts";
import type { ValuationRules } from "../valuation-rules.ts";
import type { Point } from "./point.ts";
import { isWrap } from "./v14-rollover.ts";
import { isAboveCeilingBetween } from "./v17-above-ceiling.ts";

/**
 * How a register got from one reading to a later one: it counted up, it wrapped (V14), it fell (V13), or it leapt
 * (V17).
 */
export type Course = "rose" | "wrapped" | "fell" | "leapt";

/** V13: a register that shows less than before has wrapped, or something is wrong. Never a negative difference. */
export function courseOf(earlier: Point, later: Point, spec: RegisterSpec, rules: ValuationRules): Course {
  if (later.value >= earlier.value) {
    const time = { from: earlier.at, to: later.at };
    return isAboveCeilingBetween(later.value - earlier.value, time, spec, rules) ? "leapt" : "rose";
  }
  return isWrap(earlier, later, spec, rules) ? "wrapped" : "fell";
}

/** What was counted between two readings; undefined where no course explains it. */
export function countedBetween(
  earlier: Point,
  later: Point,
  spec: RegisterSpec,
  rules: ValuationRules,
): number | undefined {
  const course = courseOf(earlier, later, spec, rules);
  if (course === "rose") return later.value - earlier.value;
  return course === "wrapped" ? later.value - earlier.value + (spec.modulus ?? 0) : undefined;
}
