import type { Reading, ReadingCode } from "./reading.ts";
import { hasSecondValue, originOf, qualityIndexOf, revisionMax, revisionOf, withSecondValue } from "./reading.ts";

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

/**
 * Of two readings of the same meter, channel and instant the one that is in effect, `standing` itself where nothing
 * changes. It says so if there is another value (V12), and goes on saying it.
 */
export function inEffect(standing: Reading, other: Reading): Reading {
  const kept = readingRank(other.code) < readingRank(standing.code) ? other : standing;
  const isDisputed = standing.value !== other.value || hasSecondValue(standing.code) || hasSecondValue(other.code);
  if (!isDisputed || hasSecondValue(kept.code)) return kept;
  return { at: kept.at, value: kept.value, code: withSecondValue(kept.code) };
}
