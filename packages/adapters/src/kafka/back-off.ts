/** A wait that can be cut short for good. One at a time. */
interface EndableWait {
  wait(ms: number): Promise<void>;
  /** What waits goes on, and nothing waits any more. */
  end(): void;
}

function endableWait(): EndableWait {
  let ended = false;
  let cutShort: (() => void) | undefined;
  return {
    async wait(ms) {
      if (ended) return;
      const done = Promise.withResolvers<void>();
      const timer = setTimeout(done.resolve, ms);
      cutShort = done.resolve;
      await done.promise;
      clearTimeout(timer);
      cutShort = undefined;
    },
    end() {
      ended = true;
      cutShort?.();
    },
  };
}

/** Beginnings that are at least so far apart; the first after a rest comes at once. */
export function endableIntervals(everyMs: number): { next(): Promise<void>; end(): void } {
  const pause = endableWait();
  let begunAtMs = Number.NEGATIVE_INFINITY;
  return {
    async next() {
      const waitMs = begunAtMs + everyMs - performance.now();
      if (waitMs > 0) await pause.wait(waitMs);
      begunAtMs = performance.now();
    },
    end: pause.end,
  };
}

/** Waits that grow from `firstMs` to `maxMs`, each a little random, until `reset`; `end` cuts short what waits. */
export interface BackOff {
  wait(): Promise<void>;
  reset(): void;
  end(): void;
}

export function backOff({ firstMs, maxMs }: { firstMs: number; maxMs: number }): BackOff {
  const pause = endableWait();
  let nextMs = firstMs;
  return {
    async wait() {
      const ms = nextMs * (0.75 + Math.random() / 2);
      nextMs = Math.min(2 * nextMs, maxMs);
      await pause.wait(ms);
    },
    reset() {
      nextMs = firstMs;
    },
    end: pause.end,
  };
}
