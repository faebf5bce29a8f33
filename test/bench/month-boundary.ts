const dayMs = 86_400_000;

/**
 * The newest start of a month in UTC, in seconds, of which the hours around it have passed: on the first day of a month
 * that is the start of the month before.
 */
export function monthBoundary(): number {
  const yesterday = new Date(Date.now() - dayMs);
  return Date.UTC(yesterday.getUTCFullYear(), yesterday.getUTCMonth(), 1) / 1000;
}
