import type { ReadingSeries } from "../../reading/reading.ts";
import { emptyColumns, hasRemark, originOf, pushReading, qualityIndexOf } from "../../reading/reading.ts";
import type { MeterRecord } from "../../registry/meter-record.ts";
import { deadFrom } from "../../registry/supply-status.ts";
import type { Finding } from "../../snapshot/finding.ts";
import type { RegisterSpec } from "../known-meter.ts";
import type { ValuationRules } from "../valuation-rules.ts";
import { remarksOf } from "./remarks.ts";
import { doubtOf } from "./reported-doubt.ts";
import { isAboveCeilingBetween } from "./v17-above-ceiling.ts";
import { spikesOf } from "./v18-spike.ts";

export interface JudgedIntervals {
  /** Without what is doubted. */
  readonly series: ReadingSeries;
  readonly findings: readonly Finding[];
}

interface By {
  readonly record: MeterRecord | undefined;
  readonly spec: RegisterSpec;
  readonly rules: ValuationRules;
}

/** Which intervals of a channel are credible: those that nobody doubts and that the connection can have carried. */
export function judgeIntervals(one: ReadingSeries, by: By): JudgedIntervals {
  const dead = deadFrom(by.record?.statuses);
  const isKept = (index: number) => (one.at[index] as number) <= dead && isCredible(one, index, by);
  const isPlain = one.code.every((code, index) => !hasRemark(code) && isKept(index));
  const series = isPlain ? one : credibleOf(one, isKept);
  const findings = isPlain ? [] : findingsOn(one, isKept, dead);
  const spikes = spikesOf(series, by.spec.multiplier, by.rules);
  if (spikes.length === 0) return { series, findings };
  for (const index of spikes) findings.push({ rule: "V18", at: series.at[index] as number });
  return { series, findings: findings.sort((a, b) => a.at - b.at) };
}

function credibleOf(one: ReadingSeries, isKept: (index: number) => boolean): ReadingSeries {
  const kept = emptyColumns();
  one.at.forEach((at, index) => {
    if (isKept(index)) pushReading(kept, at, one.value[index] as number, one.code[index] as number);
  });
  return { channel: one.channel, ...kept };
}

function findingsOn(one: ReadingSeries, isKept: (index: number) => boolean, dead: number): Finding[] {
  const findings: Finding[] = [];
  one.at.forEach((at, index) => {
    const code = one.code[index] as number;
    findings.push(...remarksOf(code, at));
    if (isKept(index)) return;
    if (at > dead) findings.push({ rule: "V03", at });
    else findings.push({ rule: qualityIndexOf(code) === 3 ? doubtOf(code) : "V17", at });
  });
  return findings;
}

function isCredible(one: ReadingSeries, index: number, { spec, rules }: By): boolean {
  const code = one.code[index] as number;
  if (qualityIndexOf(code) === 3) return false;
  if (originOf(code) === "operator") return true;
  const to = one.at[index] as number;
  return !isAboveCeilingBetween(one.value[index] as number, { from: to - one.channel.stepSeconds, to }, spec, rules);
}
