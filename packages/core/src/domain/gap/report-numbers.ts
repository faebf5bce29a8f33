import type { SequenceGaps } from "./meter-gaps.ts";

/** A meter whose number is so much smaller than the last has begun to count anew; the same where it is 1. */
const [restartMin, firstRestartMin] = [1000, 100];

/** What is known of the numbers of a meter's reports. `missed`: since it was taken last. */
export interface ReportNumbers {
  readonly last: number;
  readonly missed: SequenceGaps | undefined;
}

/** Takes the number of the next report that came; 0 is none. One that comes late is missing no more. */
export function nextNumber(known: ReportNumbers, number: number, atMs: number): ReportNumbers {
  const { last, missed } = known;
  if (number === 0 || number === last) return known;
  if (last === 0 || number === last + 1) return { last: number, missed };
  if (number < last) return earlierNumber(known, number);
  const newest = { after: last, next: number, atMs };
  const gaps = (missed?.gaps ?? 0) + 1;
  return { last: number, missed: { gaps, missing: (missed?.missing ?? 0) + number - last - 1, ...newest } };
}

function earlierNumber(known: ReportNumbers, number: number): ReportNumbers {
  const { last, missed } = known;
  if (missed !== undefined && number > missed.after && number < missed.next)
    return { last, missed: { ...missed, missing: Math.max(0, missed.missing - 1) } };
  // A small step back is a report that was sent twice.
  const isAnew = last - number >= (number === 1 ? firstRestartMin : restartMin);
  return isAnew ? { last: number, missed } : known;
}

/** What was missed before and since. */
export function addMissed(before: SequenceGaps | null, since: SequenceGaps | undefined): SequenceGaps | null {
  if (since === undefined) return before;
  const [gaps, missing] = [(before?.gaps ?? 0) + since.gaps, (before?.missing ?? 0) + since.missing];
  return { ...since, gaps, missing };
}
