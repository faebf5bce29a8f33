import { endableWait } from "./endable-wait.ts";

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
