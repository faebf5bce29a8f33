import type { Reading } from "./reading.ts";
import { findingsOf } from "./reading.ts";

/** No archive reaches further back than this from what a meter reports today: a clock that was lost does. */
const archiveSecondsMax = 10 * 366 * 86_400;

/** Too old to be believed by itself (V09): a meter that has lost its clock sends such. */
export function isTooOld(code: number): boolean {
  return findingsOf(code).includes("too_old");
}

/** Whether a reading is so much newer than one that is too old that the two are of no one history. */
export function outdates(reading: Pick<Reading, "at" | "code">, old: Pick<Reading, "at">): boolean {
  return reading.at - old.at > archiveSecondsMax && !isTooOld(reading.code);
}

/**
 * Whether a reading takes the place of the one that a channel begins with: the earliest, but for one that is too old
 * (V09) and ten years from what is not.
 */
export function beginsEarlier(reading: Pick<Reading, "at" | "code">, first: Pick<Reading, "at" | "code">): boolean {
  if (isTooOld(first.code) && outdates(reading, first)) return true;
  if (isTooOld(reading.code) && outdates(first, reading)) return false;
  return reading.at < first.at;
}
