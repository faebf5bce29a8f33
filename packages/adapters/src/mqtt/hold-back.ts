/** How patient to be with connections whose messages cannot be kept. Times are monotonic milliseconds. */
export interface HoldBack {
  settled(outcome: "kept" | "failed", nowMs: () => number): void;
  holdBackMs(nowMs: number): number;
}

/**
 * As long as the trouble has lasted, within bounds: a hiccup is over in a second, and while a disk is full, a fleet
 * that tries again costs next to nothing. Up to half is taken off at random, so that it does not come back at once.
 */
export function holdBack(options: {
  readonly holdBackMsMin?: number;
  readonly holdBackMsMax?: number;
  readonly random?: () => number;
}): HoldBack {
  const { holdBackMsMin = 1_000, holdBackMsMax = 10_000, random = Math.random } = options;
  let troubleSinceMs: number | undefined;
  return {
    settled(outcome, nowMs) {
      if (outcome === "kept") troubleSinceMs = undefined;
      else troubleSinceMs ??= nowMs();
    },
    holdBackMs(nowMs) {
      const lastedMs = nowMs - (troubleSinceMs ?? nowMs);
      return Math.min(Math.max(lastedMs, holdBackMsMin), holdBackMsMax) * (1 - random() / 2);
    },
  };
}
