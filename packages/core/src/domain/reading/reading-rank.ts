import type { ReadingCode } from "./reading.ts";
import { originOf, qualityIndexOf, revisionMax, revisionOf } from "./reading.ts";

/**
 * Which of two readings of the same meter, channel and instant is in effect: the one of the lower rank, and of equal
 * ranks the one that came first. An operator's edit before actual before derived before estimated before suspect; among
 * these the higher revision, which the source itself says, so that no redelivery brings an old value back.
 */
export function readingRank(code: ReadingCode): number {
  // The usual: actual, remote, revision 0.
  if (code === 0) return revisionMax;
  const standing = originOf(code) === "operator" ? -1 : qualityIndexOf(code);
  return standing * (revisionMax + 1) + revisionMax - revisionOf(code);
}
