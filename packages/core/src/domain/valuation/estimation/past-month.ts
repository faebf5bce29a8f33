import type { BaseUnit } from "../../reading/reading.ts";
import type { Snapshot, SnapshotQuality } from "../../snapshot/snapshot.ts";
import { snapshotId } from "../../snapshot/snapshot.ts";
import type { LocalCalendar } from "../../time/local-calendar.ts";

/** What a revision says that a register used in an earlier month. */
export interface PastMonth {
  /** Of the revision, `m-1/2026-10/2`. */
  readonly id: string;
  readonly period: number;
  readonly register: string;
  readonly unit: BaseUnit;
  /** After the multiplier; null where it has none. */
  readonly consumption: number | null;
  readonly quality: SnapshotQuality;
  readonly from: number;
  readonly to: number;
}

export function pastMonths(
  snapshot: Pick<Snapshot, "meterId" | "period" | "revision" | "boundary" | "registers">,
  calendar: Pick<LocalCalendar, "startOf">,
): PastMonth[] {
  const { period, boundary } = snapshot;
  const id = snapshotId(snapshot);
  const start = calendar.startOf(period);
  return snapshot.registers.map(({ register, unit, consumption, quality, from, to }) => {
    return { id, period, register, unit, consumption, quality, from: from ?? start, to: to ?? boundary };
  });
}
