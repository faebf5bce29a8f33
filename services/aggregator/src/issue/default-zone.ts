import { crc32 } from "node:zlib";
import { allMonths } from "../evaluate/evaluate-meter.ts";
import type { KnownMeters } from "../remember/known-meters.ts";
import type { IssuedUpTo } from "./issued-up-to.ts";
import type { ChangedBy, PendingMeters } from "./pending-meters.ts";

/** In which default zone everything is issued, in the partition's notes; 0 while there may be months of several. */
const note = "default-zone";

/**
 * Notices that meters without a zone of their own have another default zone than at the last start. Then each of their
 * months is evaluated again, as when a meter's own zone is changed.
 */
export function defaultZoneWatch(issuedUpTo: IssuedUpTo, zone: string) {
  // Never 0.
  const wanted = crc32(zone) + 1;
  const isOther = issuedUpTo.notes[note] !== wanted;
  return {
    /** Before anything is issued; what it notes is to be recorded. */
    begin({ nextQueueNumber }: PendingMeters): void {
      if (isOther) issuedUpTo.noted(note, 0, nextQueueNumber);
    },
    /** Once the meters have their master data. */
    mark(knownMeters: KnownMeters, pending: PendingMeters, by: ChangedBy): void {
      if (!isOther) return;
      for (const meter of knownMeters.all()) {
        if (meter.record?.zone === undefined && !meter.recordDamaged) pending.gather(meter, allMonths, by);
      }
      issuedUpTo.noted(note, wanted, pending.nextQueueNumber);
    },
  };
}
