import type { ReadingCode } from "./reading.ts";

/**
 * Which of two readings of the same meter, channel and instant is in effect: the one of the lower rank, and of equal
 * ranks the one that came first. An operator's edit before actual before derived before estimated before suspect.
 */
export function readingRank(code: ReadingCode): number {
  return code >> 2 === 3 ? -1 : code & 3;
}
