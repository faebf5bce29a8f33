/**
 * How many meters' months were made on the way to what barriers issue. What a barrier makes again, since it failed
 * before, is not counted again: one that fails for ever does not move, however often it is tried.
 */
export function madeMonths() {
  let count = 0;
  let barrier = -1;
  let left = 0;
  let leastLeft = Number.POSITIVE_INFINITY;

  return {
    get count() {
      return count;
    },
    /** A barrier is passed, perhaps not for the first time. */
    pass(offset: number): void {
      if (offset === barrier) return;
      barrier = offset;
      leastLeft = Number.POSITIVE_INFINITY;
    },
    /** It has so many meters to issue; those that it has issued are not among them. */
    begin(due: number): void {
      left = due;
      leastLeft = Math.min(leastLeft, due);
    },
    made(meters: number): void {
      left -= meters;
      count += Math.max(0, leastLeft - left);
      leastLeft = Math.min(leastLeft, left);
    },
  };
}
