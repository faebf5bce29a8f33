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
  /** When the newest reading that it was made from was taken; null where there was none. */
  readonly readAt: number | null;
  readonly from: number;
  readonly to: number;
}

/** Since when nothing was read that is believed: since the newest reading, else since the first month there was. */
export function silentSince(history: readonly PastMonth[]): number | undefined {
  const read = history.flatMap(({ readAt, quality }) => (readAt === null || quality === "suspect" ? [] : [readAt]));
  if (read.length > 0) return Math.max(...read);
  return history.length === 0 ? undefined : Math.min(...history.map(({ from }) => from));
}

/** Whether a reading that is believed is in what was made before. */
export function wasRead(history: readonly PastMonth[]): boolean {
  return history.some(({ readAt, quality }) => readAt !== null && quality !== "suspect");
}

export function pastMonths(
  snapshot: Pick<Snapshot, "meterId" | "period" | "revision" | "boundary" | "registers">,
  calendar: Pick<LocalCalendar, "startOf">,
): PastMonth[] {
  const { period, boundary } = snapshot;
  const id = snapshotId(snapshot);
  const start = calendar.startOf(period);
  return snapshot.registers.map(({ register, unit, consumption, quality, readAt, from, to }) => {
    return { id, period, register, unit, consumption, quality, readAt, from: from ?? start, to: to ?? boundary };
  });
}
