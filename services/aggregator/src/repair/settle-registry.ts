import type { Clock } from "@meterbook/core/ports/clock";
import type { DamageLog } from "@meterbook/core/ports/damage-log";
import type { KnownMeters } from "../remember/known-meters.ts";
import { damageTurns } from "./damage-turns.ts";

export interface SettlePorts {
  readonly damages: Pick<DamageLog, "unmended" | "mend">;
  readonly clock: Clock;
  readonly wants: (meterId: string | null) => boolean;
}

/** Tells as mended whose master data have come again, once the meter's months are made by them. */
export function registrySettling({ damages, clock, wants }: SettlePorts): (knownMeters: KnownMeters) => Promise<void> {
  const nextEntries = damageTurns(damages, "registry");
  return async (knownMeters) => {
    for (const { id, meterId } of await nextEntries()) {
      const meter = meterId !== null && wants(meterId) ? knownMeters.find(meterId) : undefined;
      if (meter?.record === undefined || meter.recordDamaged || meter.pendingFrom !== undefined) continue;
      const detail = "the meter's master data were put in again, and its months are made by them";
      await damages.mend(id, { atMs: clock.nowMs(), outcome: "repaired", detail, lost: 0 });
    }
  };
}
