import { lowerBound } from "../../reading/reading.ts";
import type { RegisterLine } from "../line/register-line.ts";
import type { ValuationRules } from "../valuation-rules.ts";

/** Neighbours further apart say nothing of one interval. */
const neighboursSecondsMax = 2 * 86_400;

/**
 * Whether the register says that a spike was not: around the interval it counted less than the interval alone, by more
 * than its step hides.
 */
export function isContradicted(
  line: RegisterLine,
  { from, to, amount }: { readonly from: number; readonly to: number; readonly amount: number },
  { registerStep }: ValuationRules,
): boolean {
  const after = lowerBound(line, to);
  const before = lowerBound(line, from + 1) - 1;
  if (before < 0 || after >= line.at.length || line.segment[before] !== line.segment[after]) return false;
  if ((line.at[after] as number) - (line.at[before] as number) > neighboursSecondsMax) return false;
  return (line.total[after] as number) - (line.total[before] as number) + 2 * registerStep < amount;
}
