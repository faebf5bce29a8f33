import { pointsOf } from "@meterbook/core/domain/registry/installations";
import type { ApiContext } from "../../api-context.ts";
import { type FleetMeter, knownMetersAfter } from "../fleet-meters.ts";
import { type ListedPoint, ownPoint } from "./known-usage-point.ts";

/**
 * All usage points ordered by id: those of the registry, and those of meters that are at a point of their own name. Of
 * these nobody has spoken, so they have no version.
 */
export async function* allUsagePoints(
  ports: Pick<ApiContext["ports"], "registry" | "series">,
  after: string | undefined,
  size: number,
): AsyncGenerator<readonly ListedPoint[]> {
  for (let from = after; ; ) {
    const [known, walked] = await Promise.all([
      ports.registry.usagePoints({ limit: size, ...(from === undefined ? {} : { afterUsagePointId: from }) }),
      knownMetersAfter(ports, { withoutNewest: true }, from, { size }),
    ]);
    const ends = [known.length < size ? undefined : known.at(-1)?.usagePointId, walked.end];
    const [end] = ends.filter((one) => one !== undefined).sort();
    yield pageOf(known, walked.meters, end);
    if (end === undefined) return;
    from = end;
  }
}

function pageOf(known: readonly ListedPoint[], meters: readonly FleetMeter[], end: string | undefined): ListedPoint[] {
  const points = new Map<string, ListedPoint>();
  for (const { meterId, record } of meters)
    if (record === undefined || pointsOf(record).includes(meterId)) points.set(meterId, ownPoint(meterId));
  for (const point of known) points.set(point.usagePointId, point);
  return [...points.values()]
    .filter(({ usagePointId }) => end === undefined || usagePointId <= end)
    .sort((a, b) => (a.usagePointId < b.usagePointId ? -1 : 1));
}
