import type { Columns } from "../../reading/reading.ts";
import type { CredibleReading } from "../judge/judge-register.ts";
import type { Course } from "../judge/v13-register-decreased.ts";

/**
 * A register's running total: its credible readings, in columns, ascending. `total` counts on where the counter wraps;
 * `segment` grows at each step that nothing explains, so that totals of two segments have nothing to do with each
 * other.
 */
export interface RegisterLine extends Columns {
  readonly total: readonly number[];
  readonly segment: readonly number[];
  /** What stands between a segment and the one before it. */
  readonly steps: readonly Course[];
  /** Where the counter wraps; undefined where it does not. */
  readonly modulus: number | undefined;
}

export function registerLine(readings: readonly CredibleReading[], modulus: number | undefined): RegisterLine {
  const line = {
    at: [] as number[],
    value: [] as number[],
    code: [] as number[],
    total: [] as number[],
    segment: [] as number[],
    steps: [] as Course[],
    modulus,
  };
  let wrapped = 0;
  for (const { at, value, code, course } of readings) {
    if (course === "wrapped") wrapped += modulus ?? 0;
    if (course === "fell" || course === "leapt") line.steps.push(course);
    line.at.push(at);
    line.value.push(value);
    line.code.push(code);
    line.total.push(value + wrapped);
    line.segment.push(line.steps.length);
  }
  return line;
}
