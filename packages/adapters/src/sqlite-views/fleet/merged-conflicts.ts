import type { ConflictPlace, FleetConflict, StoredConflict } from "@meterbook/core/ports/series-store";

/** Pages of conflicts, one of each shard, its newest first, as the page of all of them together. */
export function mergedConflicts(
  pages: readonly (readonly StoredConflict[])[],
  after: ConflictPlace,
  limit: number,
): FleetConflict[] {
  const found: FleetConflict[] = [];
  const next = pages.map(() => 0);
  let place = pages.map((_, shard) => after[shard] ?? null);
  while (found.length < limit) {
    let newest: { readonly shard: number; readonly conflict: StoredConflict } | undefined;
    for (const [shard, page] of pages.entries()) {
      const conflict = page[next[shard] as number];
      if (conflict !== undefined && conflict.receivedAtMs > (newest?.conflict.receivedAtMs ?? Number.NEGATIVE_INFINITY))
        newest = { shard, conflict };
    }
    if (newest === undefined) break;
    const { shard, conflict } = newest;
    next[shard] = (next[shard] as number) + 1;
    place = place.with(shard, conflict.id);
    found.push({ conflict, place });
  }
  return found;
}
