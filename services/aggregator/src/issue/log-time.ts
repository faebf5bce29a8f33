/** The time of a partition of the log, in milliseconds; 0 before the first barrier. */
export interface LogTime {
  readonly ms: number;
  /**
   * At the barrier at this offset log time moves to this time, and always past every barrier before it. So whatever
   * clocks say, what was issued at one barrier can be told from what was issued at the next.
   */
  move(atMs: number, offset: number): void;
}

export function logTime(startMs: number): LogTime {
  let ms = startMs;
  let movedBy = -1;
  return {
    get ms() {
      return ms;
    },
    move(atMs, offset) {
      // Tried again, a barrier is no later.
      if (offset === movedBy) return;
      movedBy = offset;
      ms = Math.max(ms + 1, atMs);
    },
  };
}
