import { partitionOf } from "@meterbook/sharding/slot";

/** Asks each shard for what is of its meters; the answer at index i belongs to meter i. */
export async function ofTheirShards<Shard, Item>(
  shards: readonly Shard[],
  meterIds: readonly string[],
  ask: (shard: Shard, own: readonly string[]) => Promise<readonly (readonly Item[])[]>,
): Promise<readonly (readonly Item[])[]> {
  const found = new Map<string, readonly Item[]>();
  for (const [shard, own] of Map.groupBy(meterIds, (meterId) => partitionOf(meterId, shards.length))) {
    const answers = await ask(shards[shard] as Shard, own);
    for (const [index, meterId] of own.entries()) found.set(meterId, answers[index] ?? []);
  }
  return meterIds.map((meterId) => found.get(meterId) ?? []);
}
