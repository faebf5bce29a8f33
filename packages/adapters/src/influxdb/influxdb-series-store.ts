import { bucketCount } from "@meterbook/core/domain/bucket";
import type { ReadingSeries } from "@meterbook/core/domain/reading";
import { AdapterError } from "@meterbook/core/ports/adapter-error";
import type { Progress, SeriesBatch, SeriesStore, SeriesStores } from "@meterbook/core/ports/series-store";
import { type BucketRoutes, bucketRoutes } from "./bucket-routes.ts";
import { metersOfBuckets } from "./channel-rows.ts";
import { influxBatch } from "./influx-batch.ts";
import type { InfluxConnection, InfluxOptions } from "./influx-connection.ts";
import { type RefusedLines, writeLines } from "./influx-write.ts";
import { type MeterRoll, meterRoll } from "./meter-roll.ts";
import { furthest, progressLine, progressOf } from "./progress-rows.ts";
import { readManyFrom } from "./read-many.ts";

export interface InfluxSeriesStoresOptions extends InfluxOptions {
  /** Of the readings log. */
  readonly partitions: number;
  /** Where lines go that the server will not store. */
  readonly refused: RefusedLines;
  /** Lines of a request; 5000 where absent. */
  readonly linesMax?: number;
}

/** The series store on one or several InfluxDB 2.x servers. Nothing is asked before `open`. */
export function openInfluxSeriesStores(options: InfluxSeriesStoresOptions): SeriesStores {
  const routes = bucketRoutes(options);
  const closed = new AbortController();
  return {
    open: (partition, epoch) => openStore({ routes, closed: closed.signal, options }, partition, epoch),
    async close() {
      closed.abort();
      routes.close();
    },
  };
}

interface Parts {
  readonly routes: BucketRoutes;
  readonly closed: AbortSignal;
  readonly options: InfluxSeriesStoresOptions;
}

async function openStore(parts: Parts, partition: number, epochAsked: number): Promise<SeriesStore> {
  const { routes, options } = parts;
  const { partitions, refused, linesMax = 5000 } = options;
  const closing = new AbortController();
  const closed = AbortSignal.any([parts.closed, closing.signal]);
  const home = routes.connections[routes.serverOf(partition)] as InfluxConnection;
  const rows = await progressOf(home, partition, closed);
  let progress = furthest(rows);
  // An epoch that was there before would write over another owner's row.
  const epoch = Math.max(epochAsked, ...rows.map((row) => row.epoch + (row.epoch >= epochAsked ? 1 : 0)));
  const roll = await loadedRoll({ routes, partition, partitions, progress, signal: closed });
  let batch: SeriesBatch | undefined;

  async function record(next: Progress, signal: AbortSignal): Promise<void> {
    const line = progressLine(partition, epoch, next);
    await writeLines(home, line, 1, { precision: "ns", signal, refused: progressRefused });
    progress = next;
  }

  async function readMany(meterIds: readonly string[], range: { from: number; to: number }) {
    const meters = meterIds.map((meterId) => roll.find(meterId)?.stored);
    return readManyFrom(routes, meters, range, { beforeOffset: progress.position, signal: closed });
  }

  return {
    get progress() {
      return progress;
    },
    async read(meterId, { from, to, channels }) {
      const stored = roll.find(meterId)?.stored;
      const wanted = stored?.channels.filter(({ index }) => channels === undefined || channels.includes(index)) ?? [];
      const meter = stored === undefined ? undefined : { ...stored, channels: wanted };
      const how = { beforeOffset: progress.position, signal: closed };
      return (await readManyFrom(routes, [meter], { from, to }, how))[0] as readonly ReadingSeries[];
    },
    readMany,
    async begin() {
      batch = influxBatch({ partition, recorded: progress, roll, routes, refused, linesMax, closed, record });
      return batch;
    },
    record: (next) => record(next, closed),
    async *meters() {
      yield* roll.pages();
    },
    tidy: async () => false,
    async close() {
      closing.abort();
      await batch?.abandon();
    },
  };
}

function progressRefused(lines: readonly { detail: string }[]): never {
  const detail = `METERBOOK_INFLUX_BUCKET: progress was refused (${lines[0]?.detail}); its retention must be infinite`;
  throw new AdapterError("store_write_failed", { retryable: false, detail });
}

const bucketsPerQuery = 8;

/** The meters of the partition that have happened. */
async function loadedRoll(from: {
  routes: BucketRoutes;
  partition: number;
  partitions: number;
  progress: Progress;
  signal: AbortSignal;
}): Promise<MeterRoll> {
  const { routes, partition, partitions, progress, signal } = from;
  const roll = meterRoll(routes.serverOfMeter);
  const own = Array.from({ length: bucketCount }, (_, bucket) => bucket).filter(
    (bucket) => bucket % partitions === partition,
  );
  for (const [server, buckets] of Map.groupBy(own, routes.serverOf)) {
    for (let first = 0; first < buckets.length; first += bucketsPerQuery) {
      const some = buckets.slice(first, first + bucketsPerQuery);
      for (const meter of await metersOfBuckets(routes.connections[server] as InfluxConnection, some, signal)) {
        const stored = meter.stored(roll.size, progress.position);
        if (stored !== undefined) roll.load(stored, progress.newestAt);
      }
    }
  }
  return roll;
}
