import type { Damage } from "@meterbook/core/domain/damage";
import { damageId } from "@meterbook/core/domain/damage";
import type { Clock } from "@meterbook/core/ports/clock";
import type { DamageLog } from "@meterbook/core/ports/damage-log";
import type { StoreBehind } from "@meterbook/core/ports/series-store";

/** Tells what a partition has lost; resolves when that is kept, so that nothing goes on before. */
export interface PartitionLosses {
  /** The log no longer holds what the store has not taken in. Counted by its offsets: found again, it is the same entry. */
  frames(range: { readonly from: number; readonly to: number }): Promise<void>;
  /** The store was put back, emptied or exchanged; what the log holds is taken in again. */
  storeBehind(behind: StoreBehind): Promise<void>;
}

export function partitionLosses(
  { damages, clock }: { readonly damages: Pick<DamageLog, "report">; readonly clock: Clock },
  partition: number,
): PartitionLosses {
  async function report(damage: Omit<Damage, "id" | "meterId" | "period" | "foundAtMs">): Promise<void> {
    const { place, where } = damage;
    await damages.report([
      { ...damage, id: damageId(place, where), meterId: null, period: null, foundAtMs: clock.nowMs() },
    ]);
  }

  return {
    frames: ({ from, to }) =>
      report({
        place: "readings-log",
        code: "records_lost",
        where: `partition ${partition} offsets ${from} to ${to - 1}`,
        detail: `${to - from} records of the readings log were gone before they were taken into the store`,
        help: "if a backup of the store has them, put it back; else ask the meters for the time, then acknowledge",
        lost: to - from,
      }),
    storeBehind: ({ position, knownPosition }) =>
      report({
        place: "series",
        code: "store_behind",
        where: `partition ${partition} positions ${position} to ${knownPosition}`,
        detail: `the store had taken in the readings log up to ${knownPosition} and has it up to ${position} only`,
        help: "the rest is taken in again from the readings log; what that no longer holds is an entry of its own",
        lost: 0,
      }),
  };
}
