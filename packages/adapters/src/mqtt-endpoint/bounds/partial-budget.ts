/**
 * The memory of unfinished packets, over all connections. When it is too much, the connections whose packets began
 * first are closed: an honest sender would have finished its packet long ago.
 */
export interface PartialBudget<Owner> {
  /** The owner's packet takes so many bytes now; 0 where it has ended. */
  hold(owner: Owner, bytes: number): void;
  bytes(): number;
}

/** A packet of an ordinary meter, which is not looked at. */
export const freePartialBytes = 4_096;

export function partialBudget<Owner>(bytesMax: number, evict: (owner: Owner) => void): PartialBudget<Owner> {
  const held = new Map<Owner, number>();
  let total = 0;

  function drop(owner: Owner): void {
    total -= held.get(owner) ?? 0;
    held.delete(owner);
  }

  return {
    hold(owner, bytes) {
      if (bytes <= freePartialBytes) return drop(owner);
      total += bytes - (held.get(owner) ?? 0);
      held.set(owner, bytes);
      for (const [oldest] of held) {
        if (total <= bytesMax) return;
        drop(oldest);
        evict(oldest);
      }
    },
    bytes: () => total,
  };
}
