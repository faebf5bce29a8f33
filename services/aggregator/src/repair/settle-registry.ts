import type { Clock } from "@meterbook/core/ports/clock";
import type { DamageLog } from "@meterbook/core/ports/damage-log";
import type { MeterBook } from "../remember/meter-book.ts";
import { damageTurns } from "./damage-turns.ts";

export interface SettlePorts {
  readonly damages: Pick<DamageLog, "unmended" | "mend">;
  readonly clock: Clock;
  readonly wants: (meterId: string | null) => boolean;
}

/** Tells as mended whose master data have come again, once the meter's months are made by them. */
export function registrySettling({ damages, clock, wants }: SettlePorts): (book: MeterBook) => Promise<void> {
  const nextEntries = damageTurns(damages, "registry");
  return async (book) => {
    for (const { id, meterId } of await nextEntries()) {
      const meter = meterId !== null && wants(meterId) ? book.find(meterId) : undefined;
      if (meter?.record === undefined || meter.recordDamaged || meter.pendingFrom !== undefined) continue;
      const detail = "the meter's master data were put in again, and its months are made by them";
      await damages.mend(id, { atMs: clock.nowMs(), outcome: "repaired", detail, lost: 0 });
    }
  };
}
