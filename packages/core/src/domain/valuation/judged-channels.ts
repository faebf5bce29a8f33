import type { Channel, Columns, ReadingSeries } from "../reading/reading.ts";
import { hasRemark, qualityIndexOf } from "../reading/reading.ts";
import type { MeterRecord } from "../registry/meter-record.ts";
import type { Finding } from "../snapshot/finding.ts";
import { type JudgedIntervals, judgeIntervals } from "./judge/judge-intervals.ts";
import { judgeRegister } from "./judge/judge-register.ts";
import { isAboveCeilingBetween } from "./judge/v17-above-ceiling.ts";
import type { RegisterSpec } from "./known-meter.ts";
import { type RegisterLine, registerLine } from "./line/register-line.ts";
import type { ValuationRules } from "./valuation-rules.ts";

export interface JudgedLine {
  readonly line: RegisterLine;
  readonly findings: readonly Finding[];
}

/** What readings are judged by. */
export interface JudgedBy {
  readonly record: MeterRecord | undefined;
  readonly spec: RegisterSpec;
  readonly rules: ValuationRules;
}

interface Judged<Result> {
  readonly by: JudgedBy;
  readonly result: Result;
}

// Readings are judged once for all months that are made of them.
const lines = new WeakMap<Columns, Judged<JudgedLine>>();
const profiles = new WeakMap<Columns, Judged<JudgedIntervals>>();

/** The line of a register from all of its readings. */
export function judgedLine(readings: Columns, register: string, by: JudgedBy): JudgedLine {
  return remembered(lines, readings, by, () => {
    const { record, spec, rules } = by;
    const tidy = tidyLine(readings, by);
    if (tidy !== undefined) return { line: tidy, findings: [] };
    const judged = judgeRegister(readings, { register, record, spec }, rules);
    return { line: registerLine(judged.readings, spec.modulus), findings: judged.findings };
  });
}

/**
 * Nearly all registers: nothing is doubted, and the readings are the line. Undefined if they are to be judged one by
 * one.
 */
function tidyLine({ at, value, code }: Columns, { record, spec, rules }: JudgedBy): RegisterLine | undefined {
  // Installation and removal have values of their own.
  if (record?.installed !== undefined || record?.removed !== undefined) return undefined;
  if (record?.statuses !== undefined) return undefined;
  for (let i = 0; i < at.length; i += 1) {
    if (qualityIndexOf(code[i] as number) !== 0 || hasRemark(code[i] as number)) return undefined;
    if (i === 0) continue;
    const counted = (value[i] as number) - (value[i - 1] as number);
    if (counted < 0) return undefined;
    if (spec.hourlyMax === undefined && spec.limits === undefined) continue;
    const time = { from: at[i - 1] as number, to: at[i] as number };
    if (isAboveCeilingBetween(counted, time, spec, rules)) return undefined;
  }
  const segment = new Array<number>(at.length).fill(0);
  return { at, value, code, total: value, segment, steps: [], modulus: spec.modulus };
}

/** The credible intervals of a channel. */
export function judgedProfile(channel: Channel, readings: Columns, by: JudgedBy): JudgedIntervals {
  const series: ReadingSeries = { channel, at: readings.at, value: readings.value, code: readings.code };
  return remembered(profiles, readings, by, () => judgeIntervals(series, by));
}

function remembered<Result>(
  known: WeakMap<Columns, Judged<Result>>,
  readings: Columns,
  by: JudgedBy,
  judge: () => Result,
): Result {
  const found = known.get(readings);
  if (found !== undefined && isSame(found.by, by)) return found.result;
  const result = judge();
  known.set(readings, { by, result });
  return result;
}

function isSame(a: JudgedBy, b: JudgedBy): boolean {
  const [one, other] = [a.spec, b.spec];
  return (
    a.record === b.record && a.rules === b.rules && one.modulus === other.modulus && one.hourlyMax === other.hourlyMax
  );
}
