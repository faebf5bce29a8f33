import { common, joined, type Stretch } from "../time/stretches.ts";
import { begins, ends, installationsOf } from "./installations.ts";
import type { MeterRecord } from "./meter-record.ts";
import type { UsagePointRecord } from "./usage-point.ts";

/** A time in which places had no supply. One that names nobody was told by mistake. */
export interface OutageRecord {
  readonly outageId: string;
  readonly usagePoints: readonly string[];
  /** All points that it supplied then. */
  readonly feeder?: string;
  /** Seconds UTC. */
  readonly from: number;
  /** Absent: it goes on. */
  readonly to?: number;
  readonly reason?: string;
}

export function stretchOf({ from, to = Number.POSITIVE_INFINITY }: OutageRecord): Stretch {
  return { from, to };
}

/** When a meter had no supply: by outages of the points where it was, at the times when it was there. */
export function darkTimes(
  record: MeterRecord,
  points: readonly UsagePointRecord[],
  outages: readonly OutageRecord[],
): readonly Stretch[] {
  const found = installationsOf(record).flatMap((installation) => {
    const there = { from: begins(installation), to: ends(installation) };
    const point = points.find(({ usagePointId }) => usagePointId === installation.usagePointId);
    return outages.flatMap((outage) => {
      const stretch = stretchOf(outage);
      const named = outage.usagePoints.includes(installation.usagePointId) ? [stretch] : [];
      const supplied = suppliedBy(point, outage.feeder).flatMap((time) => common(time, stretch));
      return [...named, ...supplied].flatMap((time) => common(time, there));
    });
  });
  return joined(found);
}

/** When a feeder supplied a point. */
function suppliedBy(point: UsagePointRecord | undefined, feeder: string | undefined): readonly Stretch[] {
  if (feeder === undefined) return [];
  return (point?.feeder ?? []).flatMap(({ value, validFrom }, index, all) => {
    const to = all[index + 1]?.validFrom ?? Number.POSITIVE_INFINITY;
    return value === feeder ? [{ from: validFrom === 0 ? Number.NEGATIVE_INFINITY : validFrom, to }] : [];
  });
}
