import type { SeriesReader, StoreTotals } from "@meterbook/core/ports/series-store";
import { partitionOf } from "@meterbook/sharding/slot";
import { ofTheirShards } from "../database/of-their-shards.ts";

/** All shards as one: questions about a meter go to its shard. */
export function shardedSeriesReader(shards: readonly SeriesReader[]): SeriesReader {
  const [only] = shards;
  if (only !== undefined && shards.length === 1) return only;
  const shardOf = (meterId: string) => shards[partitionOf(meterId, shards.length)] as SeriesReader;
  return {
    meter: (meterId) => shardOf(meterId).meter(meterId),
    read: (meterId, range) => shardOf(meterId).read(meterId, range),
    readMany: (meterIds, range) => ofTheirShards(shards, meterIds, (shard, own) => shard.readMany(own, range)),
    conflictsOf: (meterId, page) => shardOf(meterId).conflictsOf(meterId, page),
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
