import type { RegisterSpec } from "../known-meter.ts";
import type { ValuationRules } from "../valuation-rules.ts";
import type { WeighedPoint } from "./point.ts";
import { countedBetween } from "./v13-register-decreased.ts";

/**
 * The first or the last reading of all, where two beside it were left out for its sake. To leave out two between
 * readings that agree is cheap, for mostly they are a glitch: they leap. Where they do not leap, because the register
 * counts through them as evenly as ever, it is the one at the end that is wrong: two say so, and nothing behind it
 * speaks for it.
 */
export function withoutLoneEnds(
  points: readonly WeighedPoint[],
  isCredible: readonly boolean[],
  spec: RegisterSpec,
  rules: ValuationRules,
): readonly boolean[] {
  const count = points.length;
  const last = [count - 1, count - 2, count - 3, count - 4] as const;
  const first = [0, 1, 2, 3] as const;
  return [last, first].reduce<readonly boolean[]>((found, [lone, near, far, anchor]) => {
    if (count < first.length || !isLone(points, found, [lone, near, far, anchor])) return found;
    if (!isEven(points, found, { near, far, anchor }, spec, rules)) return found;
    return found.map((credible, index) => index !== lone && (credible || index === near || index === far));
  }, isCredible);
}

function isLone(
  points: readonly WeighedPoint[],
  isCredible: readonly boolean[],
  [lone, near, far, anchor]: readonly [number, number, number, number],
): boolean {
  const stand = isCredible[lone] === true && isCredible[anchor] === true;
  const weight = (index: number) => points[index]?.weight ?? 0;
  const leastOfTwo = Math.min(weight(near), weight(far));
  return stand && isCredible[near] === false && isCredible[far] === false && weight(lone) <= leastOfTwo;
}

/** Whether the register counts through the two about as it does elsewhere, or the same from each to the next. */
function isEven(
  points: readonly WeighedPoint[],
  isCredible: readonly boolean[],
  { near, far, anchor }: { readonly near: number; readonly far: number; readonly anchor: number },
  spec: RegisterSpec,
  rules: ValuationRules,
): boolean {
  const at = (index: number) => points[index] as WeighedPoint;
  const rates = [ratePerDay(at(near), at(far), spec, rules), ratePerDay(at(far), at(anchor), spec, rules)];
  const elsewhere = near > anchor ? isCredible.indexOf(true) : isCredible.lastIndexOf(true);
  const usual = elsewhere === anchor ? Math.min(...rates) : ratePerDay(at(elsewhere), at(anchor), spec, rules);
  return rates.every((rate) => rate <= usual * rules.smootherTimesMin);
}

/** Infinite where the two contradict each other. */
function ratePerDay(a: WeighedPoint, b: WeighedPoint, spec: RegisterSpec, rules: ValuationRules): number {
  const [earlier, later] = a.at < b.at ? [a, b] : [b, a];
  const counted = countedBetween(earlier, later, spec, rules);
  return counted === undefined ? Number.POSITIVE_INFINITY : (counted * 86_400) / (later.at - earlier.at);
}
