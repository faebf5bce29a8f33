import { findingsOf, hasRemark } from "../../reading/reading.ts";
import type { Finding, RuleCode } from "../../snapshot/finding.ts";

/** What is said of a reading that nothing is against: another value came for it (V12), its frame was repeated (V16). */
export function remarksOf(code: number, at: number): readonly Finding[] {
  if (!hasRemark(code)) return none;
  const found = findingsOf(code);
  const rules: RuleCode[] = [];
  if (found.includes("second_value")) rules.push("V12");
  if (found.includes("frozen")) rules.push("V16");
  return rules.map((rule) => ({ rule, at }));
}

const none: readonly Finding[] = [];
