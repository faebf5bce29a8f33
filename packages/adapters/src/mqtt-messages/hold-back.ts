import { AdapterError } from "@meterbook/core/ports/adapter-error";

/** The message itself has to wait: its sender has filled its share of the rejected log. */
export function isHeld(error: unknown): boolean {
  return error instanceof AdapterError && error.code === "rejected_full";
}

/** How patient to be with connections whose messages cannot be kept. Times are monotonic milliseconds. */
export interface HoldBack {
  /** `held`: this message had to wait, and that says nothing of the others. */
  settled(outcome: "kept" | "failed" | "held", nowMs: () => number): void;
  holdBackMs(nowMs: number): number;
  /** For a connection that is to be slowed down: as long as any is ever held back. */
  slowDownMs(): number;
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
      if (outcome === "held") return;
      if (outcome === "kept") troubleSinceMs = undefined;
      else troubleSinceMs ??= nowMs();
    },
    slowDownMs: () => holdBackMsMax * (1 - random() / 2),
    holdBackMs(nowMs) {
      const lastedMs = nowMs - (troubleSinceMs ?? nowMs);
      return Math.min(Math.max(lastedMs, holdBackMsMin), holdBackMsMax) * (1 - random() / 2);
    },
  };
}
