import { endableWait } from "./endable-wait.ts";

/** Waits between attempts that grow from `firstMs` to `maxMs`, each a little random, until `reset`. */
export interface BackOff {
  /** Waits for `atLeastMs` where that is longer. Rejects with the signal's reason as soon as that aborts. */
  wait(signal?: AbortSignal, atLeastMs?: number): Promise<void>;
  reset(): void;
  /** What waits goes on, and nothing waits any more. */
  end(): void;
}

export function backOff(options: {
  readonly firstMs: number;
  readonly maxMs: number;
  readonly random?: () => number;
}): BackOff {
  const { firstMs, maxMs, random = Math.random } = options;
  const pause = endableWait();
  let nextMs = firstMs;
  return {
    async wait(signal, atLeastMs = 0) {
      const ms = Math.max(nextMs * (0.75 + random() / 2), atLeastMs);
      nextMs = Math.min(2 * nextMs, maxMs);
      await pause.wait(ms, signal);
    },
    reset() {
      nextMs = firstMs;
    },
    end: pause.end,
  };
}
