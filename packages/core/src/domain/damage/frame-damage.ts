import { type Damage, type DamageCode, damageId } from "./damage.ts";

/** What of a frame of the readings log cannot be used: all of it (`meterId` null), or one report. */
export interface FrameFault {
  readonly code: DamageCode;
  readonly detail: string;
  readonly meterId: string | null;
  /** Readings that are not in `reports`; null where the frame itself does not tell. */
  readonly lost: number | null;
}

/** Where a fault stands: `report` is which of the frame's reports it is, where it is one. */
export interface FaultPlace {
  readonly partition: number;
  readonly offset: number;
  readonly report?: number;
}

export function frameDamage({ partition, offset, report }: FaultPlace, fault: FrameFault, foundAtMs: number): Damage {
  const where = `partition ${partition} offset ${offset}${report === undefined ? "" : ` report ${report}`}`;
  return {
    ...fault,
    id: damageId("readings-log", where),
    place: "readings-log",
    where,
    help: helpLost,
    period: null,
    foundAtMs,
  };
}

const helpLost =
  "These readings are not in the store. A register is right again with the meter's next reading; " +
  "intervals come again where the meter sends them again, or from a backup of the log.";
