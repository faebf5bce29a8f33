import type { FleetReader, SeriesReader, StoreTotals } from "@meterbook/core/ports/series-store";
import { partitionOf } from "@meterbook/sharding/slot";
import { mergedConflicts } from "../../sqlite-views/fleet/merged-conflicts.ts";
import { mergedIds } from "../../sqlite-views/fleet/merged-ids.ts";
import { ofTheirShards } from "../database/of-their-shards.ts";

type ShardReads = SeriesReader & FleetReader;

/** All shards as one: questions about a meter go to its shard. */
export function shardedSeriesReader(shards: readonly ShardReads[]): ShardReads {
  const [only] = shards;
  if (only !== undefined && shards.length === 1) return only;
  const shardOf = (meterId: string) => shards[partitionOf(meterId, shards.length)] as ShardReads;
  return {
    meter: (meterId) => shardOf(meterId).meter(meterId),
    read: (meterId, range) => shardOf(meterId).read(meterId, range),
    readMany: (meterIds, range) => ofTheirShards(shards, meterIds, (shard, own) => shard.readMany(own, range)),
    conflictsOf: (meterId, page) => shardOf(meterId).conflictsOf(meterId, page),
    meterIds: async (page) => mergedIds(await Promise.all(shards.map((shard) => shard.meterIds(page))), page.limit),
    async newestOf(meterIds) {
      const each = async (shard: FleetReader, own: readonly string[]) =>
        (await shard.newestOf(own)).map((newest) => [newest]);
      return (await ofTheirShards(shards, meterIds, each)).map(([newest]) => newest);
    },
    async conflicts({ after = [], ...page }) {
      const ofShard = async (shard: ShardReads, index: number) =>
        (await shard.conflicts({ ...page, after: [after[index] ?? null] })).map(({ conflict }) => conflict);
      return mergedConflicts(await Promise.all(shards.map(ofShard)), after, page.limit);
    },
    totals: async () => together(await Promise.all(shards.map((shard) => shard.totals()))),
  };
}

function together(parts: readonly StoreTotals[]): StoreTotals {
  const sum = (name: "stored" | "duplicates" | "conflicts" | "refused" | "pending") =>
    parts.reduce((total, part) => total + part[name], 0);
  return {
    stored: sum("stored"),
    duplicates: sum("duplicates"),
    conflicts: sum("conflicts"),
    refused: sum("refused"),
    pending: sum("pending"),
    newestAt: Math.max(...parts.map(({ newestAt }) => newestAt)),
    positions: new Map(parts.flatMap(({ positions }) => [...positions])),
    tallies: new Map(parts.flatMap(({ tallies }) => [...tallies])),
  };
}
