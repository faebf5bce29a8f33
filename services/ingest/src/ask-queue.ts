/**
 * Meters that are to be looked at, each once: of the lowest rank first, and of one rank in the order in which they
 * came.
 */
export interface AskQueue {
  add(meterId: string, rank: number): void;
  take(): string | undefined;
}

const ranks = 4;
/** Of one rank. */
const waitingMax = 100_000;

export function askQueue({ dropped }: { readonly dropped: () => void }): AskQueue {
  const waiting = Array.from({ length: ranks }, () => new Set<string>());
  return {
    add(meterId, rank) {
      const place = Math.min(Math.max(0, rank), ranks - 1);
      if (waiting.some((set, other) => other <= place && set.has(meterId))) return;
      for (const set of waiting) set.delete(meterId);
      const set = waiting[place] as Set<string>;
      if (set.size >= waitingMax) return dropped();
      set.add(meterId);
    },
    take() {
      const set = waiting.find(({ size }) => size > 0);
      const [first] = set ?? [];
      if (first !== undefined) set?.delete(first);
      return first;
    },
  };
}
