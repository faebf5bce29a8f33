import { type Columns, originOf, qualityOf, readingCode } from "../../reading/reading.ts";
import type { MeterRecord } from "../../registry/meter-record.ts";
import { deadFrom } from "../../registry/supply-status.ts";
import type { Finding } from "../../snapshot/finding.ts";
import type { RegisterSpec } from "../known-meter.ts";
import type { ValuationRules } from "../valuation-rules.ts";
import { credibleChain } from "./credible-chain.ts";
import type { Point, WeighedPoint } from "./point.ts";
import { remarksOf } from "./remarks.ts";
import { doubtOf } from "./reported-doubt.ts";
import type { Course } from "./v13-register-decreased.ts";
import { courseOf } from "./v13-register-decreased.ts";
import { isPhantomZero } from "./v15-zero.ts";

/** A reading that may be billed. */
export interface CredibleReading extends Point {
  readonly code: number;
  /** How the register got here from the credible reading before. */
  readonly course: Course;
}

export interface JudgedRegister {
  readonly readings: readonly CredibleReading[];
  /** Of what is suspect, and of wraps. */
  readonly findings: readonly Finding[];
}

/** Readings and the values of installation and removal that the master data hold, ascending. */
interface Judged extends WeighedPoint {
  readonly code: number;
}

/** What a reading counts for by its quality; master data are beyond doubt. */
const weights = { actual: 1000, derived: 900, estimated: 10, suspect: 0 } as const;
const masterDataWeight = 1_000_000;
/** Actual, by an operator. */
const masterDataCode = readingCode("actual", "operator");

/**
 * Which readings of a register are credible, from all of its readings and the master data. Nothing depends on the order
 * in which they came.
 */
export function judgeRegister(
  readings: Columns,
  {
    register,
    record,
    spec,
  }: { readonly register: string; readonly record: MeterRecord | undefined; readonly spec: RegisterSpec },
  rules: ValuationRules,
): JudgedRegister {
  const findings: Finding[] = [];
  const points: Judged[] = [];
  let before: Point | undefined;
  for (const point of withMasterData(readings, register, record, findings)) {
    findings.push(...remarksOf(point.code, point.at));
    if (point.weight === 0) findings.push({ rule: doubtOf(point.code), at: point.at });
    else if (point.weight !== masterDataWeight && isPhantomZero(point, before, spec, rules)) {
      findings.push({ rule: "V15", at: point.at });
    } else {
      points.push(point);
      before = point;
    }
  }
  const { isCredible } = credibleChain(points, spec, rules);
  const credible: CredibleReading[] = [];
  points.forEach((point, index) => {
    if (isCredible[index] !== true) findings.push({ rule: ruleAgainst(points, index, spec, rules), at: point.at });
    else
      credible.push({
        at: point.at,
        value: point.value,
        code: point.code,
        course: courseFrom(credible.at(-1), point, spec, rules),
      });
  });
  for (const { at, course } of credible) if (course !== "rose") findings.push({ rule: ruleOfCourse[course], at });
  return { readings: credible, findings: findings.sort((a, b) => a.at - b.at) };
}

/** What an operator has accepted is as sure as master data, and what one has refused counts for nothing. */
function weightOf(code: number): number {
  const quality = qualityOf(code);
  return originOf(code) === "operator" && quality === "actual" ? masterDataWeight : weights[quality];
}

/** A wrap is shown, and so is a step that nothing explains. */
const ruleOfCourse = { wrapped: "V14", fell: "V13", leapt: "V17" } as const;

function courseFrom(before: Point | undefined, point: Point, spec: RegisterSpec, rules: ValuationRules): Course {
  return before === undefined ? "rose" : courseOf(before, point, spec, rules);
}

/**
 * V03: readings from outside of the installation, or of a place that is no more, belong to no customer. The master
 * data's own values take the place of readings of that instant.
 */
function* withMasterData(
  readings: Columns,
  register: string,
  record: MeterRecord | undefined,
  findings: Finding[],
): Generator<Judged> {
  const from = record?.installed?.at ?? Number.NEGATIVE_INFINITY;
  const to = record?.removed?.at ?? Number.POSITIVE_INFINITY;
  const dead = deadFrom(record?.statuses);
  const first = record?.installed?.values[register];
  const last = record?.removed?.values[register];
  if (first !== undefined) yield { at: from, value: first, code: masterDataCode, weight: masterDataWeight };
  for (let i = 0; i < readings.at.length; i += 1) {
    const [at, value, code] = [readings.at[i] as number, readings.value[i] as number, readings.code[i] as number];
    if (at < from || at > to || at > dead) findings.push({ rule: "V03", at });
    else if (!(at === from && first !== undefined) && !(at === to && last !== undefined))
      yield { at, value, code, weight: weightOf(code) };
  }
  if (last !== undefined) yield { at: to, value: last, code: masterDataCode, weight: masterDataWeight };
}

/** Too much after the one before it is V17, all else V13. */
function ruleAgainst(
  points: readonly Judged[],
  index: number,
  spec: RegisterSpec,
  rules: ValuationRules,
): "V13" | "V17" {
  const [before, point] = [points[index - 1], points[index] as Judged];
  return before !== undefined && courseOf(before, point, spec, rules) === "leapt" ? "V17" : "V13";
}
