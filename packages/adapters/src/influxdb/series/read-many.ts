import type { ReadingSeries } from "@meterbook/core/domain/reading/reading";
import type { StoredMeter } from "@meterbook/core/ports/series-store";
import type { SlotRoutes } from "../points/slot-routes.ts";
import { pointsInEffect, seriesOf } from "../points/stored-points.ts";

const meterMax = 200;

/** The readings of each meter; the answer at index i belongs to meter i, none where it is unknown. */
export async function readManyFrom(
  routes: SlotRoutes,
  meters: readonly (StoredMeter | undefined)[],
  range: { readonly from: number; readonly to: number },
  { beforeOffset, signal }: { readonly beforeOffset: number; readonly signal: AbortSignal },
): Promise<readonly (readonly ReadingSeries[])[]> {
  const known = [...new Map(meters.flatMap((meter) => (meter === undefined ? [] : [[meter.meterId, meter]]))).values()];
  const found = new Map<string, readonly ReadingSeries[]>();
  for (const [connection, theirs] of routes.byServer(known, ({ meterId }) => meterId)) {
    for (let first = 0; first < theirs.length; first += meterMax) {
      const some = theirs.slice(first, first + meterMax);
      const channels = some.flatMap((meter) => meter.channels);
      const asked = { meterIds: some.map(({ meterId }) => meterId), channels, ...range };
      const points = await pointsInEffect(connection, [asked], beforeOffset, signal);
      for (const meter of some) found.set(meter.meterId, seriesOf(meter.channels, points.get(meter.meterId)));
    }
  }
  return meters.map((meter) => (meter === undefined ? [] : (found.get(meter.meterId) ?? [])));
}
