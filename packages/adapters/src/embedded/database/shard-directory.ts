import { join } from "node:path";

/** No machine has so many cores that more shards would help. */
export const shardCounts = [1, 2, 4, 8, 16, 32, 64] as const;

/**
 * Where the store and the ledger of a shard stand: those of the first in the data directory itself, as where there is
 * no other, and those of each further one in a folder of its own.
 */
export function shardDirectory(dataDir: string, shard: number): string {
  return shard === 0 ? dataDir : join(dataDir, `shard-${shard}`);
}
