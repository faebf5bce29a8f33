/**
 * Waits that grow from `firstMs` to `maxMs`, each a little random. A wait ends early, with a throw, when `signal`
 * aborts.
 */
export function growingWaits({ firstMs, maxMs }: { firstMs: number; maxMs: number }) {
  let nextMs = firstMs;
  return async (signal: AbortSignal, atLeastMs = 0): Promise<void> => {
    const ms = Math.max(nextMs * (0.75 + Math.random() / 2), atLeastMs);
    nextMs = Math.min(2 * nextMs, maxMs);
    await abortableWait(ms, signal);
  };
}

async function abortableWait(ms: number, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, ms);
  const onAbort = () => resolve();
  signal.addEventListener("abort", onAbort, { once: true });
  await promise;
  clearTimeout(timer);
  // The signal outlives an outage of thousands of waits.
  signal.removeEventListener("abort", onAbort);
  signal.throwIfAborted();
}
