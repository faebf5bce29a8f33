import type { ReadingSeries } from "../../reading/reading.ts";
import { emptyColumns, pushReading, qualityIndexOf } from "../../reading/reading.ts";
import type { Finding } from "../../snapshot/finding.ts";
import type { RegisterSpec } from "../known-meter.ts";
import type { ValuationRules } from "../valuation-rules.ts";
import { doubtOf } from "./reported-doubt.ts";
import { isAboveCeiling } from "./v17-above-ceiling.ts";

export interface JudgedIntervals {
  /** Without what is doubted. */
  readonly series: ReadingSeries;
  readonly findings: readonly Finding[];
}

/** Which intervals of a channel are credible: those that nobody doubts and that the connection can have carried. */
export function judgeIntervals(one: ReadingSeries, spec: RegisterSpec, rules: ValuationRules): JudgedIntervals {
  if (one.value.every((_, index) => isCredible(one, index, spec, rules))) return { series: one, findings: [] };
  const findings: Finding[] = [];
  const kept = emptyColumns();
  one.at.forEach((at, index) => {
    const [value, code] = [one.value[index] as number, one.code[index] as number];
    if (isCredible(one, index, spec, rules)) pushReading(kept, at, value, code);
    else findings.push({ rule: qualityIndexOf(code) === 3 ? doubtOf(code) : "V17", at });
  });
  return { series: { channel: one.channel, ...kept }, findings };
}

function isCredible(one: ReadingSeries, index: number, spec: RegisterSpec, rules: ValuationRules): boolean {
  if (qualityIndexOf(one.code[index] as number) === 3) return false;
  return !isAboveCeiling(one.value[index] as number, one.channel.stepSeconds, spec, rules);
}
