import { pointsOf } from "./installations.ts";
import type { MeterRecord } from "./meter-record.ts";
import { darkTimes, type OutageRecord } from "./outage.ts";
import { type Dated, type UsagePointRecord, valueAt } from "./usage-point.ts";

/** A meter's record, and those of the points where it is or was. */
export interface RegisteredMeter extends MeterRecord {
  readonly points?: readonly UsagePointRecord[];
  /** What the meter's own record says, where its usage point says otherwise. */
  readonly ownPowerW?: number;
}

/** What a usage point says of its supply, or else the meter's own record. */
export interface Supply extends Pick<MeterRecord, "statuses"> {
  /** By time; the first counts for the time before it, too. Empty where nobody has said. */
  readonly powers: readonly Dated<number>[];
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

/** The supply of one of the points where the meter is or was, of a record that is in force. */
export function supplyAt(meter: RegisteredMeter, usagePointId: string): Supply {
  const point = pointOf(meter, usagePointId);
  const newest = pointOf(meter, meter.usagePointId);
  const own = hasPower(newest) ? meter.ownPowerW : meter.connectionPowerW;
  const powers = hasPower(point) ? point.connectionPowerW : own === undefined ? [] : [{ validFrom: 0, value: own }];
  const statuses = cutStatuses(point);
  return statuses === undefined ? { powers } : { powers, statuses };
}

function pointOf({ points }: RegisteredMeter, id: string): UsagePointRecord | undefined {
  return points?.find(({ usagePointId }) => usagePointId === id);
}

type Powered = UsagePointRecord & { readonly connectionPowerW: readonly Dated<number>[] };

function hasPower(point: UsagePointRecord | undefined): point is Powered {
  return point?.connectionPowerW !== undefined && point.connectionPowerW.length > 0;
}

/** Undefined where the supply was never cut. */
function cutStatuses(point: UsagePointRecord | undefined): MeterRecord["statuses"] {
  return point?.status?.some(({ value }) => value !== "connected") === true ? point.status : undefined;
}

/**
 * What the newest point says of zone and connection power stands in the place of what the meter's record says. Its
 * statuses come with it where the supply was ever cut.
 */
export function inForce(meter: RegisteredMeter): RegisteredMeter {
  const point = pointOf(meter, meter.usagePointId);
  if (point === undefined) return meter;
  const zone = valueAt(point.zone, Number.POSITIVE_INFINITY) ?? meter.zone;
  const connectionPowerW = valueAt(point.connectionPowerW, Number.POSITIVE_INFINITY) ?? meter.connectionPowerW;
  return {
    ...meter,
    ...(zone === undefined ? {} : { zone }),
    ...(connectionPowerW === undefined ? {} : { connectionPowerW }),
    ...(hasPower(point) && meter.connectionPowerW !== undefined ? { ownPowerW: meter.connectionPowerW } : {}),
    ...(hasPower(point) && point.connectionPowerW.length > 1 ? { powers: point.connectionPowerW } : {}),
    ...statusesOf(point),
  };
}

function statusesOf(point: UsagePointRecord): Pick<MeterRecord, "statuses"> {
  const statuses = cutStatuses(point);
  return statuses === undefined ? {} : { statuses };
}
