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

/** Waits for the next beat of a clock; all that wait go on together. */
export function endableBeat(everyMs: number): { next(): Promise<void>; end(): void } {
  const pause = endableWait();
  let coming: Promise<void> | undefined;
  return {
    next() {
      coming ??= pause.wait(everyMs - (performance.now() % everyMs)).finally(() => {
        coming = undefined;
      });
      return coming;
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
