/** Waits, one at a time, that can be cut short. */
export interface EndableWait {
  /** Rejects with the signal's reason as soon as that aborts. */
  wait(ms: number, signal?: AbortSignal): Promise<void>;
  /** What waits goes on, and nothing waits any more. */
  end(): void;
}

export function endableWait(): EndableWait {
  let ended = false;
  let cutShort: (() => void) | undefined;
  return {
    async wait(ms, signal) {
      signal?.throwIfAborted();
      if (ended) return;
      const done = Promise.withResolvers<void>();
      const goOn = () => done.resolve();
      const timer = setTimeout(goOn, ms);
      cutShort = goOn;
      signal?.addEventListener("abort", goOn, { once: true });
      await done.promise;
      clearTimeout(timer);
      cutShort = undefined;
      // The signal outlives an outage of thousands of waits.
      signal?.removeEventListener("abort", goOn);
      signal?.throwIfAborted();
    },
    end() {
      ended = true;
      cutShort?.();
    },
  };
}
