import { setTimeout as delay } from "node:timers/promises";

/** Waits for `done`, however it ends, at most `timeoutMs`. */
export async function inTime(done: Promise<unknown>, timeoutMs: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise((resolve) => {
    timer = setTimeout(resolve, timeoutMs);
  });
  await Promise.race([done.catch(() => undefined), timeout]);
  clearTimeout(timer);
}

/** Resolves after `ms`, or when it is stopped. */
export async function pause(ms: number, stopped: AbortSignal): Promise<void> {
  await delay(ms, undefined, { signal: stopped }).catch(() => undefined);
}
