import type { Reading } from "@meterbook/core/domain/reading/reading";
import { lowerBound, readingAt } from "@meterbook/core/domain/reading/reading";
import type { Lookup } from "@meterbook/core/ports/series-store";
import { channelName } from "../points/line-protocol.ts";
import type { SlotRoutes } from "../points/slot-routes.ts";
import { type PointsAsked, pointsInEffect } from "../points/stored-points.ts";
import type { RememberedMeters } from "./remembered-meters.ts";

/** What one statement may touch: so many meters, and so many meters times seconds. */
const meterMax = 200;
const meterSecondsMax = 40 * 86_400;
const statementsMax = 20;

/** What stands under each key before frame `beforeOffset`; the answer at index i belongs to look-up i. */
export async function findStored(
  { remembered, routes, signal }: { remembered: RememberedMeters; routes: SlotRoutes; signal: AbortSignal },
  lookups: readonly Lookup[],
  beforeOffset: number,
): Promise<(Reading | undefined)[]> {
  const found = new Map<Lookup, Reading>();
  // Of a meter that is new nothing is stored.
  const known = lookups.filter(({ meterNo }) => meterNo < remembered.size);
  const byServer = Map.groupBy(known, ({ meterNo }) => remembered.at(meterNo).server);
  for (const [server, some] of byServer) {
    const connection = routes.connections[server];
    if (connection === undefined) continue;
    const stretches = stretchesOf(some);
    for (let from = 0; from < stretches.length; from += statementsMax) {
      const part = stretches.slice(from, from + statementsMax);
      const asked = part.map((stretch) => askedOf(stretch, remembered));
      const points = await pointsInEffect(connection, asked, beforeOffset, signal);
      for (const lookup of part.flat()) {
        const { stored } = remembered.at(lookup.meterNo);
        const channel = stored.channels[lookup.channelIndex];
        const columns = channel === undefined ? undefined : points.get(stored.meterId)?.get(channelName(channel));
        if (columns === undefined) continue;
        const index = lowerBound(columns, lookup.at);
        if (columns.at[index] === lookup.at) found.set(lookup, readingAt(columns, index));
      }
    }
  }
  return lookups.map((lookup) => found.get(lookup));
}

/** Look-ups of about the same time go together; a month of one meter is one stretch, a moment of many meters too. */
function stretchesOf(lookups: readonly Lookup[]): Lookup[][] {
  const stretches: Lookup[][] = [];
  let meters = new Set<number>();
  let from = 0;
  for (const lookup of lookups.toSorted((a, b) => a.at - b.at)) {
    const count = meters.has(lookup.meterNo) ? meters.size : meters.size + 1;
    if (stretches.length === 0 || count > meterMax || count * (lookup.at - from) > meterSecondsMax) {
      stretches.push([]);
      meters = new Set();
      from = lookup.at;
    }
    meters.add(lookup.meterNo);
    stretches.at(-1)?.push(lookup);
  }
  return stretches;
}

function askedOf(stretch: readonly Lookup[], remembered: RememberedMeters): PointsAsked {
  const meters = [...new Set(stretch.map(({ meterNo }) => meterNo))].map((no) => remembered.at(no).stored);
  return {
    meterIds: meters.map(({ meterId }) => meterId),
    channels: stretch.flatMap(
      ({ meterNo, channelIndex }) => remembered.at(meterNo).stored.channels[channelIndex] ?? [],
    ),
    from: stretch[0]?.at ?? 0,
    to: stretch.at(-1)?.at ?? 0,
  };
}
