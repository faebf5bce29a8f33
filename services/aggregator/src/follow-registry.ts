import type { Registry, RegistryChange, RegistrySubscription } from "@meterbook/core/ports/registry";
import type { TouchedBy } from "./apply-batch.ts";
import { wholeBook } from "./evaluate-meter.ts";
import type { PartitionMemory } from "./partition-memory.ts";

/** Up to which position of the registry master data count, in the partition's notes. */
const note = "registry";

/** Master data of a partition: what is known of it, and what counts, which a barrier says. */
export interface FollowedRegistry {
  /** The newest position that was seen: what a barrier that is written now may name. */
  readonly seen: number;
  /** Meters of which something was seen that no barrier has let count. */
  readonly waiting: number;
  /** Lets count what stands up to this position; waits until it was seen. */
  count(through: number, by: TouchedBy): Promise<void>;
  caughtUp(): Promise<void>;
  close(): Promise<void>;
}

/**
 * A record that begins to count makes its meter pending with the whole of its book: another zone, multiplier or installation can
 * change every snapshot, and one that changes nothing issues nothing.
 *
 * @param wants whether a meter belongs to the partition
 */
export async function followRegistry(
  registry: Registry,
  memory: PartitionMemory,
  wants: (meterId: string) => boolean,
): Promise<FollowedRegistry> {
  const counted = memory.water.notes[note] ?? 0;
  let seen = counted;
  /** The newest of each meter, in order of position. */
  const waiting = new Map<string, RegistryChange>();

  function take(change: RegistryChange): void {
    const { record, position } = change;
    seen = Math.max(seen, position);
    if (position <= counted) {
      memory.book.register(record);
      return;
    }
    memory.book.meet(record.meterId).isRegistered = true;
    waiting.delete(record.meterId);
    waiting.set(record.meterId, change);
  }

  const subscription: RegistrySubscription = await registry.follow(async (changes) => changes.forEach(take), wants);
  return {
    get seen() {
      return seen;
    },
    get waiting() {
      return waiting.size;
    },
    async count(through, by) {
      if (through > seen) await subscription.caughtUp();
      const { book, pending, water } = memory;
      for (const [meterId, { record, position }] of waiting) {
        if (position > through) continue;
        waiting.delete(meterId);
        pending.gather(book.register(record), wholeBook, by);
      }
      water.noted(note, Math.max(through, water.notes[note] ?? 0), pending.nextTicket);
    },
    caughtUp: () => subscription.caughtUp(),
    close: () => subscription.close(),
  };
}
