import { AdapterError } from "@meterbook/core/ports/adapter-error";

/** How far partitions are read, for those who wait for it. */
export interface ReachedOffsets {
  /** All before `next` is taken in. */
  arrived(topic: string, partition: number, next: number): void;
  next(topic: string, partition: number): number;
  forget(topic: string, partition: number): void;
  /**
   * Resolves once it holds; looked at whenever something arrives.
   *
   * @throws AdapterError `store_read_failed` (retryable) after `timeoutMs`; `what` says in it what was waited for.
   */
  until(holds: () => boolean, what: string, timeoutMs: number): Promise<void>;
}

export function reachedOffsets(): ReachedOffsets {
  const reached = new Map<string, number>();
  const waits = new Set<() => void>();
  const nextOf = (topic: string, partition: number) => reached.get(`${topic}/${partition}`) ?? 0;
  return {
    next: nextOf,
    forget: (topic, partition) => void reached.delete(`${topic}/${partition}`),
    arrived(topic, partition, next) {
      reached.set(`${topic}/${partition}`, Math.max(next, nextOf(topic, partition)));
      for (const look of waits) look();
    },
    async until(holds, what, timeoutMs) {
      if (holds()) return;
      const waited = Promise.withResolvers<void>();
      const look = () => {
        if (holds()) waited.resolve();
      };
      const timer = setTimeout(() => {
        const detail = `${what} was not read within ${timeoutMs} ms`;
        waited.reject(new AdapterError("store_read_failed", { retryable: true, detail }));
      }, timeoutMs);
      waits.add(look);
      try {
        await waited.promise;
      } finally {
        clearTimeout(timer);
        waits.delete(look);
      }
    },
  };
}
