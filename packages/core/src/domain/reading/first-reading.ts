import type { Reading } from "./reading.ts";
import { findingsOf } from "./reading.ts";

/** Too old to be believed by itself (V09): a meter that has lost its clock sends such. */
export function isTooOld(code: number): boolean {
  return findingsOf(code).includes("too_old");
}

/**
 * Whether a reading takes the place of the one that a channel begins with: the earliest, and one that is too old (V09)
 * only if there are no others. It is the same in whatever order they come.
 */
export function beginsEarlier(reading: Pick<Reading, "at" | "code">, first: Pick<Reading, "at" | "code">): boolean {
  const isOld = isTooOld(reading.code);
  if (isOld !== isTooOld(first.code)) return !isOld;
  return reading.at < first.at;
}
