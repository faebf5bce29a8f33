import type { DatabaseSync } from "node:sqlite";
import type { Columns, ReadingSeries } from "@meterbook/core/domain/reading/reading";
import { AdapterError } from "@meterbook/core/ports/adapter-error";
import { type DamageEars, noEars } from "@meterbook/core/ports/damage-log";
import type { SeriesReader, StoredChannel, StoreTotals } from "@meterbook/core/ports/series-store";
import { shardDirectory } from "../database/shard-directory.ts";
import { bytesOf } from "../readings-log/readings-log-database.ts";
import { conflictReads } from "./conflict-table.ts";
import { blockDamage, blockPlace } from "./days/damaged-blocks.ts";
import { ascending, epoch, MalformedBlock, unpackBlock } from "./days/reading-block.ts";
import { meterTable } from "./meter-table.ts";
import { seriesEars, type TellSeriesRow } from "./series-damage.ts";
import {
  dayOfSealedId,
  daySeconds,
  dayWithin,
  firstHotId,
  hotDayFactor,
  hotMeterStride,
  hotOfDaySql,
  hotSlotStride,
  openSeriesDatabaseToRead,
  sealedId,
  slotsOfDay,
} from "./series-database.ts";
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

interface ShardReader extends SeriesReader {
  issuedPosition(): number;
  close(): void;
}

function openShardReader({ dataDir, ears = noEars }: EmbeddedReaderOptions, shard: number): ShardReader {
  const database = openSeriesDatabaseToRead(shardDirectory(dataDir, shard));
  const tell = seriesEars(ears, shard);
  const progress = readProgress(database, tell, shard);
  const reads = seriesReads(database, tell, shard);

  function told(error: unknown): never {
    if (error instanceof AdapterError && error.damage !== undefined)
      ears.tell({ ...error.damage, foundAtMs: ears.nowMs() });
    throw error;
  }

  return {
    ...reads,
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

export interface EmbeddedSeriesReader extends SeriesReader {
  /** What frames before this offset of the shard changed is issued: the log may forget them. */
  issuedPosition(shard?: number): number;
  close(): Promise<void>;
}

/** The reads on a given connection; the writer uses them on its own. */
export function seriesReads(database: DatabaseSync, tell: TellSeriesRow, shard = 0): SeriesReader {
  const meter = meterTable(database, tell).find;
  const days = dayReads(database);
  const conflicts = conflictReads(database, tell);
  const totals = totalReads(database, tell, shard);
  const transaction = readTransaction(database);

  function readings(meterId: string, from: number, to: number, wanted?: ReadonlySet<number>): ReadingSeries[] {
    const found = meter(meterId);
    return found === undefined ? [] : seriesOf(found.channels, days.range(found.no, from, to, wanted), from, to);
  }

  return {
    meter: async (meterId) => meter(meterId),
    read: async (meterId, { from, to, channels }) =>
      transaction(() => readings(meterId, from, to, channels === undefined ? undefined : new Set(channels))),
    readMany: async (meterIds, { from, to }) =>
      transaction(() => meterIds.map((meterId) => readings(meterId, from, to))),
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

export interface DayReads {
  /** All readings of a meter from `from` to `to` (and some around them), per channel index, in any order. */
  range(meterNo: number, from: number, to: number, wanted?: ReadonlySet<number>): Map<number, Columns>;
  /** One UTC day, ascending. */
  day(meterNo: number, day: number): Map<number, Columns>;
}

export function dayReads(database: DatabaseSync): DayReads {
  const sealed = database.prepare("SELECT id, data FROM sealed WHERE id BETWEEN ? AND ?");
  const hot = database.prepare(hotOfDaySql);
  // Not the view of hot days, which walks over all of them. The division is SQLite's: a damaged id may be no number of
  // ours.
  const hotFrom = database.prepare(`SELECT id / ${hotDayFactor} AS day FROM hot WHERE id >= ? ORDER BY id LIMIT 1`);

  /** The first day from this one on that has hot blocks of any meter. */
  function nextHotDay(from: number): number {
    return Number(hotFrom.get(firstHotId(0, from))?.["day"] ?? Number.POSITIVE_INFINITY);
  }

  /** A month that would use a damaged block is held back: it is not made from the rest as if nothing were missing. */
  function unpack(
    meterNo: number,
    day: number,
    row: Record<string, unknown>,
    into: Map<number, Columns>,
    wanted?: ReadonlySet<number>,
  ): void {
    const [id, data] = [Number(row["id"]), bytesOf(row["data"])];
    try {
      unpackBlock(data, id, into, wanted);
    } catch (cause) {
      if (!(cause instanceof MalformedBlock)) throw cause;
      const meterId = meterIdOf(database, meterNo);
      const damage = blockDamage(meterId, blockPlace(meterId, day, data), cause.message);
      const detail = `${damage.detail} (GET /v1/damage has it as ${damage.id})`;
      throw new AdapterError("store_damaged", { retryable: false, cause, detail, damage });
    }
  }

  function range(meterNo: number, from: number, to: number, wanted?: ReadonlySet<number>): Map<number, Columns> {
    const columns = new Map<number, Columns>();
    const [first, last] = [dayWithin(from), dayWithin(to)];
    for (const row of sealed.iterate(sealedId(meterNo, first), sealedId(meterNo, last))) {
      unpack(meterNo, dayOfSealedId(Number(row["id"])), row, columns, wanted);
    }
    for (let day = nextHotDay(first); day <= last; day = nextHotDay(day + 1)) {
      const key = firstHotId(meterNo, day);
      const rows = hot.iterate(key, key + slotsOfDay * hotSlotStride, hotMeterStride);
      for (const row of rows) unpack(meterNo, day, row, columns, wanted);
    }
    return columns;
  }

  return {
    range,
    day(meterNo, day) {
      const at = epoch + day * daySeconds;
      const columns = range(meterNo, at, at);
      for (const [index, unordered] of columns) columns.set(index, ascending(unordered));
      return columns;
    },
  };
}

function meterIdOf(database: DatabaseSync, meterNo: number): string {
  const row = database.prepare("SELECT meter_id FROM meter WHERE no = ?").get(meterNo);
  return row === undefined ? `number ${meterNo}` : String(row["meter_id"]);
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
