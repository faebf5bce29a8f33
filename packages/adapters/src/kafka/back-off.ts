/** Waits that grow from `firstMs` to `maxMs`, each a little random, until `reset`; `end` cuts short what waits. */
export interface BackOff {
  wait(): Promise<void>;
  reset(): void;
  end(): void;
}

export function backOff({ firstMs, maxMs }: { firstMs: number; maxMs: number }): BackOff {
  const ended = new AbortController();
  let nextMs = firstMs;
  return {
    async wait() {
      if (ended.signal.aborted) return;
      const ms = nextMs * (0.75 + Math.random() / 2);
      nextMs = Math.min(2 * nextMs, maxMs);
      const done = Promise.withResolvers<void>();
      const timer = setTimeout(done.resolve, ms);
      ended.signal.addEventListener("abort", () => done.resolve(), { once: true });
      await done.promise;
      clearTimeout(timer);
    },
    reset() {
      nextMs = firstMs;
    },
    end: () => ended.abort(),
  };
}
