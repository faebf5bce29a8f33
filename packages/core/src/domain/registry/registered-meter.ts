import { pointsOf } from "./installations.ts";
import type { MeterRecord } from "./meter-record.ts";
import { type UsagePointRecord, valueAt } from "./usage-point.ts";

/** A meter's record, and those of the points where it is or was. */
export interface RegisteredMeter extends MeterRecord {
  readonly points?: readonly UsagePointRecord[];
}

/** `pointOf` answers undefined where there is no record of the point. */
export function withPoints(
  record: MeterRecord,
  pointOf: (usagePointId: string) => UsagePointRecord | undefined,
): RegisteredMeter {
  const points = pointsOf(record).flatMap((id) => pointOf(id) ?? []);
  return points.length === 0 ? record : { ...record, points };
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
