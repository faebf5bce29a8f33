export interface Periodic {
  isClosed(): boolean;
  /** Resolves when the work in hand has ended. */
  close(): Promise<void>;
}

/** Does the work again and again, `everyMs` after it last ended. */
export function periodic(everyMs: number, work: () => Promise<void>): Periodic {
  let closed = false;
  let running = Promise.resolve();
  let timer: NodeJS.Timeout | undefined;
  const schedule = () => {
    timer = setTimeout(() => {
      running = work().finally(() => {
        if (!closed) schedule();
      });
    }, everyMs);
  };
  schedule();
  return {
    isClosed: () => closed,
    async close() {
      closed = true;
      clearTimeout(timer);
      await running;
    },
  };
}
