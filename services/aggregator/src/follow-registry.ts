import type { MeterRecord } from "@meterbook/core/domain/registry";
import type { Registry, RegistrySubscription } from "@meterbook/core/ports/registry";
import { defaultZoneWatch } from "./default-zone.ts";
import { wholeBook } from "./evaluate-meter.ts";
import type { LowWater } from "./low-water.ts";
import type { MeterBook } from "./meter-book.ts";
import type { PendingMeters } from "./pending-meters.ts";

type InTurn = (work: (book: MeterBook, pending: PendingMeters) => Promise<void>) => Promise<void>;

/** How far the registry was taken into account, in the partition's notes. */
const note = "registry";

export interface FollowedRegistry {
  readonly registry: Registry;
  /** Whether a meter belongs to the partition. */
  readonly wants: (meterId: string) => boolean;
  readonly water: LowWater;
  /** Of meters whose record names none. */
  readonly defaultZone: string;
}

/**
 * Keeps master data in the book. A record that was not yet taken into account makes its meter pending with the whole of its
 * book: another zone, multiplier or installation can change every snapshot, and one that changes nothing issues nothing.
 */
export async function followRegistry(
  { registry, wants, water, defaultZone }: FollowedRegistry,
  inTurn: InTurn,
): Promise<RegistrySubscription> {
  let through = water.notes[note] ?? 0;

  function take(book: MeterBook, pending: PendingMeters, record: MeterRecord, isNew: boolean): void {
    const meter = book.register(record);
    if (isNew) pending.gather(meter, wholeBook);
  }

  const zoneWatch = defaultZoneWatch(water, defaultZone);
  await inTurn(async (_book, pending) => zoneWatch.begin(pending));
  const subscription = await registry.follow(
    (changes) =>
      inTurn(async (book, pending) => {
        for (const { record, position } of changes) take(book, pending, record, position > through);
        through = Math.max(through, ...changes.map(({ position }) => position));
        water.noted(note, through, pending.nextTicket);
      }),
    wants,
  );
  await inTurn(async (book, pending) => zoneWatch.mark(book, pending));
  return subscription;
}
