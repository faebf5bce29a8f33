import { damagedEntity } from "@meterbook/core/domain/damage/registry-damage";
import type { EntityKey } from "@meterbook/core/domain/registry/master-data-change";
import type { Clock } from "@meterbook/core/ports/clock";
import type { DamageLog } from "@meterbook/core/ports/damage-log";
import type { Registry } from "@meterbook/core/ports/registry";
import type { KnownMeters } from "../remember/known-meters.ts";
import { damageTurns } from "./damage-turns.ts";

export interface SettlePorts {
  readonly damages: Pick<DamageLog, "unmended" | "mend">;
  readonly registry: Pick<Registry, "usagePoint" | "outage">;
  readonly clock: Clock;
  readonly wants: (meterId: string | null) => boolean;
}

/** Tells as mended whose master data have come again, once months are made by them. */
export function registrySettling(ports: SettlePorts): (knownMeters: KnownMeters) => Promise<void> {
  const { damages, clock, wants } = ports;
  const nextEntries = damageTurns(damages, "registry");

  function isMeterMade(knownMeters: KnownMeters, meterId: string): boolean {
    const meter = wants(meterId) ? knownMeters.find(meterId) : undefined;
    return meter?.record !== undefined && !meter.recordDamaged && meter.pendingFrom === undefined;
  }

  /** Its meters hear of it by the registry, as of every change. */
  async function isSoundAgain({ kind, id }: EntityKey): Promise<boolean> {
    if (!wants(null)) return false;
    const { registry } = ports;
    return (kind === "outage" ? registry.outage(id) : registry.usagePoint(id)).then(
      (found) => found?.record != null,
      () => false,
    );
  }

  return async (knownMeters) => {
    for (const entry of await nextEntries()) {
      const entity = damagedEntity(entry);
      const isMeter = entity.kind === "meter";
      const isSound = isMeter ? isMeterMade(knownMeters, entry.meterId ?? "") : await isSoundAgain(entity);
      if (!isSound) continue;
      const detail = `the master data of the ${entity.kind.replace("-", " ")} were put in again`;
      await damages.mend(entry.id, { atMs: clock.nowMs(), outcome: "repaired", detail, lost: 0 });
    }
  };
}
