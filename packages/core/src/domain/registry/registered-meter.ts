import { pointsOf } from "./installations.ts";
import type { MeterRecord } from "./meter-record.ts";
import { darkTimes, type OutageRecord } from "./outage.ts";
import { type UsagePointRecord, valueAt } from "./usage-point.ts";

/** A meter's record, and those of the points where it is or was. */
export interface RegisteredMeter extends MeterRecord {
  readonly points?: readonly UsagePointRecord[];
}

/**
 * @param pointOf answers undefined where there is no record of the point
 * @param outages all that may have touched those points
 */
export function withPoints(
  record: MeterRecord,
  pointOf: (usagePointId: string) => UsagePointRecord | undefined,
  outages: readonly OutageRecord[] = [],
): RegisteredMeter {
  const points = pointsOf(record).flatMap((id) => pointOf(id) ?? []);
  const dark = outages.length === 0 ? [] : darkTimes(record, points, outages);
  const known = points.length === 0 ? record : { ...record, points };
  return dark.length === 0 ? known : { ...known, outages: dark };
}

/**
 * What the newest point says of zone and connection power stands in the place of what the meter's record says. Its
 * statuses come with it where the supply was ever cut.
 */
export function inForce(meter: RegisteredMeter): RegisteredMeter {
  const point = meter.points?.find(({ usagePointId }) => usagePointId === meter.usagePointId);
  if (point === undefined) return meter;
  const zone = valueAt(point.zone, Number.POSITIVE_INFINITY) ?? meter.zone;
  const connectionPowerW = valueAt(point.connectionPowerW, Number.POSITIVE_INFINITY) ?? meter.connectionPowerW;
  return {
    ...meter,
    ...(zone === undefined ? {} : { zone }),
    ...(connectionPowerW === undefined ? {} : { connectionPowerW }),
    ...(point.status?.some(({ value }) => value !== "connected") === true ? { statuses: point.status } : {}),
  };
}
