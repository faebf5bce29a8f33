import type { Stretch } from "../time/stretches.ts";
import type { Dated, UsagePointStatus } from "./usage-point.ts";

export type Statuses = readonly Dated<UsagePointStatus>[];

/** From when on a place is no more; nothing that is read behind it belongs to anybody. */
export function deadFrom(statuses: Statuses | undefined): number {
  return statuses?.find(({ value }) => value === "dead")?.validFrom ?? Number.POSITIVE_INFINITY;
}

/** The parts of a time in which the supply was cut. */
export function cutWithin(statuses: Statuses | undefined, { from, to }: Stretch): readonly Stretch[] {
  const cuts: Stretch[] = [];
  statuses?.forEach(({ value, validFrom }, index) => {
    const until = statuses[index + 1]?.validFrom ?? Number.POSITIVE_INFINITY;
    if (value === "disconnected" && validFrom < to && until > from) {
      cuts.push({ from: Math.max(from, validFrom), to: Math.min(to, until) });
    }
  });
  return cuts;
}

/** Whether the supply was on at all times. */
export function isActive(statuses: Statuses | undefined, part: Stretch): boolean {
  return cutWithin(statuses, part).length === 0 && deadFrom(statuses) >= part.to;
}
