import type { ConflictsPage, FleetConflict, StoredConflict } from "@meterbook/core/ports/series-store";
import { partitionOf, slotCount } from "@meterbook/sharding/slot";
import { mergedConflicts } from "../../sqlite-views/fleet/merged-conflicts.ts";
import type { InfluxConnection } from "../client/influx-connection.ts";
import { type NewestConflictsAsked, newestConflicts } from "../points/conflict-rows.ts";
import type { SlotRoutes } from "../points/slot-routes.ts";

/** Instants that InfluxDB's texts can hold, in seconds. */
const instantMax = 2 ** 42;

/**
 * A page of the conflicts of all partitions. Ids grow with the log of one partition, so each is asked for itself, on
 * all servers that hold slots of it.
 *
 * @param positions how far each partition is: what frames behind it brought has not happened
 */
export async function fleetConflicts(
  routes: SlotRoutes,
  positions: ReadonlyMap<number, number>,
  { after = [], meterId, from = 0, to = instantMax, limit }: ConflictsPage,
  signal: AbortSignal,
): Promise<readonly FleetConflict[]> {
  const partitions = Math.max(0, ...[...positions.keys()].map((partition) => partition + 1));
  const only = meterId === undefined || partitions === 0 ? undefined : partitionOf(meterId, partitions);
  const pages = Array.from({ length: partitions }, async (_, partition) => {
    if (only !== undefined && only !== partition) return [];
    const shared = { meterId, from, to, limit, beforeOffset: positions.get(partition) ?? 0 };
    const asked = { ...shared, beforeId: after[partition] ?? Number.MAX_SAFE_INTEGER };
    return ofPartition(routes, slotsOf(partition, partitions), asked, signal);
  });
  return mergedConflicts(await Promise.all(pages), after, limit);
}

async function ofPartition(
  routes: SlotRoutes,
  slots: readonly number[],
  asked: Omit<NewestConflictsAsked, "slots">,
  signal: AbortSignal,
): Promise<StoredConflict[]> {
  const byServer = Map.groupBy(slots, (slot) => routes.connections[routes.serverOf(slot)] as InfluxConnection);
  const found = await Promise.all(
    [...byServer].map(([connection, own]) => newestConflicts(connection, { ...asked, slots: own }, signal)),
  );
  return found
    .flat()
    .sort((a, b) => b.id - a.id)
    .slice(0, asked.limit);
}

function slotsOf(partition: number, partitions: number): number[] {
  return Array.from({ length: slotCount }, (_, slot) => slot).filter((slot) => slot % partitions === partition);
}
