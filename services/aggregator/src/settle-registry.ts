import type { Clock } from "@meterbook/core/ports/clock";
import type { DamageLog } from "@meterbook/core/ports/damage-log";
import type { MeterBook } from "./meter-book.ts";

export interface SettlePorts {
  readonly damages: Pick<DamageLog, "unmended" | "mend">;
  readonly clock: Clock;
  readonly wants: (meterId: string | null) => boolean;
}

/** Looked at in one go; the others have their turn at the next. */
const entriesMax = 1000;

/** Tells as mended whose master data have come again, once the meter's months are made by them. */
export async function settleRegistry({ damages, clock, wants }: SettlePorts, book: MeterBook): Promise<void> {
  for (const { id, meterId } of await damages.unmended({ place: "registry", limit: entriesMax })) {
    const meter = meterId !== null && wants(meterId) ? book.find(meterId) : undefined;
    if (meter?.record === undefined || meter.recordDamaged || meter.pendingFrom !== undefined) continue;
    const detail = "the meter's master data were put in again, and its months are made by them";
    await damages.mend(id, { atMs: clock.nowMs(), outcome: "repaired", detail, lost: 0 });
  }
}
