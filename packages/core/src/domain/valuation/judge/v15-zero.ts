import type { RegisterSpec } from "../known-meter.ts";
import type { ValuationRules } from "../valuation-rules.ts";
import type { Point } from "./point.ts";
import { isWrap } from "./v14-rollover.ts";

/**
 * V15: a register that shows exactly 0 after it has shown more, and has not wrapped. It is what a meter without memory
 * of its total sends, or a head-end in the place of a value that it has not got.
 */
export function isPhantomZero(
  point: Point,
  before: Point | undefined,
  spec: RegisterSpec,
  rules: ValuationRules,
): boolean {
  if (point.value !== 0 || before === undefined || before.value === 0) return false;
  return !isWrap(before, point, spec, rules);
}
