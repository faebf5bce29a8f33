import { findingsOf, originOf } from "../../reading/reading.ts";
import type { RuleCode } from "../../snapshot/finding.ts";

/**
 * The rule that made a reading suspect: an operator's refusal, else what intake found (V10, V25), else what its meter
 * said of it (V24).
 */
export function doubtOf(code: number): RuleCode {
  if (originOf(code) === "operator") return "OPERATOR";
  const found = findingsOf(code);
  if (found.includes("in_future")) return "V10";
  return found.includes("clock_wrong") ? "V25" : "V24";
}
