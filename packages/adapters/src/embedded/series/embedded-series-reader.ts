import type { DatabaseSync } from "node:sqlite";
import type { Columns, ReadingSeries } from "@meterbook/core/domain/reading/reading";
import { AdapterError } from "@meterbook/core/ports/adapter-error";
import { type DamageEars, noEars } from "@meterbook/core/ports/damage-log";
import type {
  FleetReader,
  SeriesReader,
  StoredChannel,
  StoredMeter,
  StoreTotals,
} from "@meterbook/core/ports/series-store";
import { shardDirectory } from "../database/shard-directory.ts";
import { conflictReads } from "./conflict-table.ts";
import { dayReads } from "./days/day-reads.ts";
import { ascending } from "./days/reading-block.ts";
import { fleetReads } from "./fleet-reads.ts";
import { meterTable } from "./meter-table.ts";
import { seriesEars, type TellSeriesRow } from "./series-damage.ts";
import { openSeriesDatabaseToRead } from "./series-database.ts";
import { readProgress } from "./series-progress.ts";
import { shardedSeriesReader } from "./sharded-series-reader.ts";

/** Reads of the series store from any thread or process, each on connections of its own. */
export function openEmbeddedSeriesReader(options: EmbeddedReaderOptions): EmbeddedSeriesReader {
  const shards = Array.from({ length: options.shards ?? 1 }, (_, shard) => openShardReader(options, shard));
  return {
    ...shardedSeriesReader(shards),
    issuedPosition: (shard = 0) => (shards[shard] as ShardReader).issuedPosition(),
    close: async () => shards.forEach((shard) => shard.close()),
  };
}

interface ShardReader extends SeriesReader, FleetReader {
  issuedPosition(): number;
  close(): void;
}

function openShardReader({ dataDir, ears = noEars }: EmbeddedReaderOptions, shard: number): ShardReader {
  const database = openSeriesDatabaseToRead(shardDirectory(dataDir, shard));
  const tell = seriesEars(ears, shard);
  const progress = readProgress(database, tell, shard);
  const meters = meterTable(database, tell);
  const reads = seriesReads(database, tell, shard, meters.find);

  function told(error: unknown): never {
    if (error instanceof AdapterError && error.damage !== undefined)
      ears.tell({ ...error.damage, foundAtMs: ears.nowMs() });
    throw error;
  }

  return {
    ...reads,
    ...fleetReads(database, meters, tell),
    read: (meterId, range) => reads.read(meterId, range).catch(told),
    readMany: (meterIds, range) => reads.readMany(meterIds, range).catch(told),
    issuedPosition: () => progress().issuedPosition,
    close: () => database.close(),
  };
}

export interface EmbeddedReaderOptions {
  readonly dataDir: string;
  /** How many the data directory has; one where absent. */
  readonly shards?: number;
  /** Told of blocks and rows that cannot be read. */
  readonly ears?: DamageEars;
}

export interface EmbeddedSeriesReader extends SeriesReader, FleetReader {
  /** What frames before this offset of the shard changed is issued: the log may forget them. */
  issuedPosition(shard?: number): number;
  close(): Promise<void>;
}

/**
 * The reads on a given connection; the writer uses them on its own.
 *
 * @param meter who knows which meters there are: the file, or whoever has read it
 */
export function seriesReads(
  database: DatabaseSync,
  tell: TellSeriesRow,
  shard = 0,
  meter: (meterId: string) => StoredMeter | undefined = meterTable(database, tell).find,
): SeriesReader {
  const days = dayReads(database);
  const conflicts = conflictReads(database, tell);
  const totals = totalReads(database, tell, shard);
  const transaction = readTransaction(database);

  function readings(meterId: string, from: number, to: number, wanted?: ReadonlySet<number>): ReadingSeries[] {
    const found = meter(meterId);
    return found === undefined ? [] : seriesOf(found.channels, days.range(found.no, from, to, wanted), from, to);
  }

  function readingsOfMany(meterIds: readonly string[], from: number, to: number): ReadingSeries[][] {
    const found = meterIds.map(meter);
    const numbers = new Set(found.flatMap((one) => (one === undefined ? [] : one.no)));
    const columns = days.ranges(numbers, from, to);
    return found.map((one) => {
      const own = one === undefined ? undefined : columns.get(one.no);
      return one === undefined || own === undefined ? [] : seriesOf(one.channels, own, from, to);
    });
  }

  return {
    meter: async (meterId) => meter(meterId),
    read: async (meterId, { from, to, channels }) =>
      transaction(() => readings(meterId, from, to, channels === undefined ? undefined : new Set(channels))),
    readMany: async (meterIds, { from, to }) => transaction(() => readingsOfMany(meterIds, from, to)),
    conflictsOf: async (meterId, page) => conflicts(meter(meterId), page),
    totals: async () => transaction(totals),
  };
}

/** One view of the file for several statements. The writer is in a transaction of its own when it reads. */
function readTransaction(database: DatabaseSync): <Answer>(read: () => Answer) => Answer {
  return (read) => {
    if (database.isTransaction) return read();
    database.exec("BEGIN");
    try {
      return read();
    } finally {
      database.exec("COMMIT");
    }
  };
}

export function seriesOf(
  channels: readonly StoredChannel[],
  columns: ReadonlyMap<number, Columns>,
  from: number,
  to: number,
): ReadingSeries[] {
  const series: ReadingSeries[] = [];
  for (const { index, register, kind, unit, stepSeconds } of channels) {
    const found = columns.get(index);
    if (found === undefined) continue;
    const within = clip(ascending(found), from, to);
    if (within.at.length > 0) series.push({ channel: { register, kind, unit, stepSeconds }, ...within });
  }
  return series;
}

function clip(columns: Columns, from: number, to: number): Columns {
  let first = 0;
  while (first < columns.at.length && (columns.at[first] as number) < from) first += 1;
  let last = columns.at.length;
  while (last > first && (columns.at[last - 1] as number) > to) last -= 1;
  if (first === 0 && last === columns.at.length) return columns;
  return {
    at: columns.at.slice(first, last),
    value: columns.value.slice(first, last),
    code: columns.code.slice(first, last),
  };
}

function totalReads(database: DatabaseSync, tell: TellSeriesRow, shard: number): () => StoreTotals {
  const progress = readProgress(database, tell, shard);
  return () => {
    const { position, counts, newestAt, pending, tally } = progress();
    return {
      ...counts,
      newestAt,
      pending,
      positions: new Map([[shard, position]]),
      tallies: new Map([[shard, tally]]),
    };
  };
}
