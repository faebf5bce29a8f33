import { recordDifference } from "@meterbook/core/domain/registry/record-difference";
import type { Registry, RegistryChange, RegistrySubscription } from "@meterbook/core/ports/registry";
import { allMonths } from "../evaluate/evaluate-meter.ts";
import type { ChangedDays } from "../groups/changed-days.ts";
import type { ChangedBy } from "../issue/pending-meters.ts";
import type { KnownMeters } from "../remember/known-meters.ts";
import type { MeterState } from "../remember/meter-state.ts";
import type { PartitionMemory } from "./partition-memory.ts";

/** Up to which position of the registry master data count, in the partition's notes. */
const note = "registry";

/** Between two barriers, or in all where nothing counts yet; of a meter that has more the oldest do not count. */
const waitingPerMeterMax = 1000;

/** Master data of a partition: what is known of it, and what counts, which a barrier says. */
export interface FollowedRegistry {
  /** The newest position that was seen: what a barrier that is written now may name. */
  readonly seen: number;
  /** Meters of which something was seen that no barrier has let count. */
  readonly waiting: number;
  /** Lets count what stands up to this position; waits until it was seen. */
  count(through: number, by: ChangedBy): Promise<void>;
  caughtUp(): Promise<void>;
  close(): Promise<void>;
}

/**
 * A record that begins to count makes its meter pending with all of its months: another zone, multiplier or
 * installation can change every snapshot. A record that changes nothing issues nothing.
 *
 * @param wants whether a meter belongs to the partition
 */
export async function followRegistry(
  registry: Registry,
  memory: PartitionMemory,
  wants: (meterId: string) => boolean,
  days?: Pick<ChangedDays, "regrouped" | "note">,
): Promise<FollowedRegistry> {
  const counted = memory.issuedUpTo.notes[note] ?? 0;
  let seen = counted;
  /**
   * The changes of each meter, in order of position. What was put before a close was asked for counts for it, even if
   * more came since.
   */
  const waiting = new Map<string, RegistryChange[]>();

  function take(change: RegistryChange): void {
    const { meterId, position } = change;
    seen = Math.max(seen, position);
    if (position <= counted) {
      register(memory.knownMeters, change);
      return;
    }
    memory.knownMeters.announce(meterId);
    const before = waiting.get(meterId);
    if (before === undefined) waiting.set(meterId, [change]);
    else if (before.push(change) > waitingPerMeterMax) before.shift();
  }

  const options = { wants, asOf: counted };
  const subscription: RegistrySubscription = await registry.follow(async (changes) => changes.forEach(take), options);
  return {
    get seen() {
      return seen;
    },
    get waiting() {
      return waiting.size;
    },
    async count(through, by) {
      if (through > seen) await subscription.caughtUp();
      const { knownMeters, pending, issuedUpTo } = memory;
      for (const [meterId, changes] of waiting) {
        const change = changes.findLast(({ position }) => position <= through);
        if (change === undefined) continue;
        const later = changes.filter(({ position }) => position > through);
        waiting.delete(meterId);
        if (later.length > 0) waiting.set(meterId, later);
        const before = knownMeters.find(meterId)?.record;
        const meter = nameCause(register(knownMeters, change), before);
        days?.regrouped(meter, before);
        if (later.length > 0) knownMeters.announce(meterId);
        // What is issued stays while nobody knows by what it should be made.
        if (!meter.recordDamaged) pending.gather(meter, allMonths, by);
      }
      await days?.note();
      issuedUpTo.noted(note, Math.max(through, issuedUpTo.notes[note] ?? 0), pending.nextQueueNumber);
    },
    caughtUp: () => subscription.caughtUp(),
    close: () => subscription.close(),
  };
}

/** What a revision says that is issued because of it. */
function nameCause(meter: MeterState, before: MeterState["record"]): MeterState {
  if (meter.record !== undefined) meter.cause = recordDifference(before, meter.record) ?? meter.cause;
  return meter;
}

function register(knownMeters: KnownMeters, { meterId, record }: RegistryChange): MeterState {
  return record === undefined ? knownMeters.registerDamaged(meterId) : knownMeters.register(record);
}
