import type { Columns, Reading } from "../../reading/reading.ts";
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

/** Columns as long as they must be: most lines of a month's end have two readings, and a close makes a million. */
export function registerLine(
  readings: readonly (Reading & { readonly course?: Course })[],
  modulus: number | undefined,
): RegisterLine {
  const steps: Course[] = [];
  let wrapped = 0;
  return {
    at: readings.map(({ at }) => at),
    value: readings.map(({ value }) => value),
    code: readings.map(({ code }) => code),
    total: readings.map(({ value, course }) => {
      if (course === "wrapped") wrapped += modulus ?? 0;
      return value + wrapped;
    }),
    segment: readings.map(({ course }) => {
      if (course === "fell" || course === "leapt") steps.push(course);
      return steps.length;
    }),
    steps,
    modulus,
  };
}
