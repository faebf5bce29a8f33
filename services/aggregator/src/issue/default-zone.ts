import { crc32 } from "node:zlib";
import { wholeBook } from "../evaluate/evaluate-meter.ts";
import type { MeterBook } from "../remember/meter-book.ts";
import type { LowWater } from "./low-water.ts";
import type { PendingMeters, TouchedBy } from "./pending-meters.ts";

/** In which default zone everything is issued, in the partition's notes; 0 while there may be months of several. */
const note = "default-zone";

/**
 * Notices that meters without a zone of their own have another default zone than at the last start. Then each of their
 * months is evaluated again, as when a meter's own zone is changed.
 */
export function defaultZoneWatch(water: LowWater, zone: string) {
  // Never 0.
  const wanted = crc32(zone) + 1;
  const isOther = water.notes[note] !== wanted;
  return {
    /** Before anything is issued; what it notes is to be recorded. */
    begin({ nextTicket }: PendingMeters): void {
      if (isOther) water.noted(note, 0, nextTicket);
    },
    /** Once the meters have their master data. */
    mark(book: MeterBook, pending: PendingMeters, by: TouchedBy): void {
      if (!isOther) return;
      for (const meter of book.all()) {
        if (meter.record?.zone === undefined && !meter.recordDamaged) pending.gather(meter, wholeBook, by);
      }
      water.noted(note, wanted, pending.nextTicket);
    },
  };
}
