import { isPlaced } from "@meterbook/core/domain/registry/record-of-month";
import type { Snapshot } from "@meterbook/core/domain/snapshot/snapshot";
import { isVoid, unreadableHash } from "@meterbook/core/domain/snapshot/snapshot";
import { spanOf } from "@meterbook/core/domain/valuation/month";
import { firstOf } from "../remember/channel-state.ts";
import type { MeterState } from "../remember/meter-state.ts";
import { firstPeriodOf } from "../remember/meter-state.ts";

/**
 * Why an issued month is to be taken back: it was issued under other master data, and it is none of the meter's months
 * now. Undefined if it stays. A month that was made from readings older than all that are known stays too: then
 * readings are lost, and master data do not explain that.
 *
 * @param last the newest period that is due
 */
export function reasonToVoid(meter: MeterState, issued: Snapshot, last: number): string | undefined {
  const { period, boundary, registers, hash } = issued;
  // By which master data it would not have the month is not known.
  if (meter.recordDamaged) return undefined;
  if (isVoid(issued) || registers.length === 0 || hash === unreadableHash) return undefined;
  const removed = meter.record?.removed?.at;
  if (removed !== undefined && period > meter.calendar.periodOf(removed - 1))
    return "the meter was removed before this month";
  const first = firstPeriodOf(meter);
  if (first === undefined || period < first)
    return isFromBefore(issued, earliestOf(meter)) ? undefined : "the meter's months begin after this one";
  if (!isPlaced(meter.record, spanOf(meter.calendar, period))) return "the meter was at no usage point in this month";
  if (period > last && boundary !== meter.calendar.boundaryOf(period))
    return `this month is not over in ${meter.calendar.zone}`;
  return undefined;
}

function earliestOf({ channels }: MeterState): number {
  return channels.reduce((earliest, state) => Math.min(earliest, firstOf(state).at), Number.POSITIVE_INFINITY);
}

function isFromBefore({ registers }: Snapshot, earliestAt: number): boolean {
  // What the fitters read is master data.
  return registers.some(({ readAt, origin }) => readAt !== null && readAt < earliestAt && origin !== "operator");
}
