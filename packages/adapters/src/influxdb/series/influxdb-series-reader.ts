import type { FleetReader, SeriesReader, StoredMeter, StoreTotals } from "@meterbook/core/ports/series-store";
import type { InfluxConnection, InfluxOptions } from "../client/influx-connection.ts";
import type { TellOdd } from "../client/odd-rows.ts";
import { metersById } from "../points/channel-rows.ts";
import { conflictsAfter } from "../points/conflict-rows.ts";
import { type SlotRoutes, slotRoutes } from "../points/slot-routes.ts";
import { allProgress, furthest, type ProgressRow } from "../trail/progress-rows.ts";
import { fleetConflicts } from "./fleet-conflicts.ts";
import { meterList } from "./meter-list.ts";
import { newestOfMeters } from "./newest-of-meters.ts";
import { readManyFrom } from "./read-many.ts";

export interface InfluxSeriesReader extends SeriesReader, FleetReader {
  close(): Promise<void>;
}

/** Reads of the series store on InfluxDB from any process. Nothing is asked yet. */
export function openInfluxSeriesReader(options: InfluxOptions): InfluxSeriesReader {
  const routes = slotRoutes(options);
  const closed = new AbortController();
  const progress = progressReads(routes, closed.signal);
  const meters = meterReads(routes, progress, closed.signal);
  const list = meterList(routes, closed.signal);
  const everything = { beforeOffset: Number.POSITIVE_INFINITY, signal: closed.signal };

  return {
    meter: async (meterId) => (await meters([meterId]))[0],
    async read(meterId, { from, to, channels }) {
      const [meter] = await meters([meterId]);
      if (meter === undefined) return [];
      const wanted = meter.channels.filter(({ index }) => channels === undefined || channels.includes(index));
      const [series] = await readManyFrom(routes, [{ ...meter, channels: wanted }], { from, to }, everything);
      return series ?? [];
    },
    readMany: async (meterIds, range) => readManyFrom(routes, await meters(meterIds), range, everything),
    async conflictsOf(meterId, { afterId, limit }) {
      const connection = routes.connections[routes.serverOfMeter(meterId)] as InfluxConnection;
      const [found] = await metersById(connection, [meterId], closed.signal);
      if (found === undefined) return [];
      const beforeOffset = await progress.positionOf(found.partition, Number.POSITIVE_INFINITY);
      return conflictsAfter(connection, meterId, { afterId, beforeOffset, limit }, closed.signal);
    },
    meterIds: list.page,
    newestOf: (meterIds) => newestOfMeters(routes, meterIds, closed.signal),
    async conflicts(page) {
      const { positions } = await progress.totals();
      return fleetConflicts(routes, positions, page, closed.signal);
    },
    totals: progress.totals,
    async close() {
      closed.abort();
      await list.close();
      routes.close();
    },
  };
}

function progressReads(routes: SlotRoutes, signal: AbortSignal) {
  let positions: ReadonlyMap<number, number> = new Map();

  async function totals(): Promise<StoreTotals> {
    const rows = new Map<number, ProgressRow[]>();
    for (const found of await Promise.all(routes.connections.map((connection) => allProgress(connection, signal)))) {
      for (const [partition, some] of found) rows.set(partition, [...(rows.get(partition) ?? []), ...some.rows]);
    }
    const latest = new Map([...rows].sort(([a], [b]) => a - b).map(([partition, some]) => [partition, furthest(some)]));
    positions = new Map([...latest].map(([partition, { position }]) => [partition, position]));
    const all = [...latest.values()];
    const sum = (pick: (progress: (typeof all)[number]) => number) => all.reduce((total, one) => total + pick(one), 0);
    return {
      stored: sum(({ counts }) => counts.stored),
      duplicates: sum(({ counts }) => counts.duplicates),
      conflicts: sum(({ counts }) => counts.conflicts),
      refused: sum(({ counts }) => counts.refused),
      pending: sum(({ pending }) => pending),
      positions,
      tallies: new Map([...latest].map(([partition, { tally }]) => [partition, tally])),
      newestAt: all.reduce((newest, one) => Math.max(newest, one.newestAt), 0),
    };
  }

  return {
    totals,
    /** A position that was read earlier will do for whoever asks for less: it only grows. */
    async positionOf(partition: number, beyond: number): Promise<number> {
      if (beyond >= (positions.get(partition) ?? 0)) await totals();
      return positions.get(partition) ?? 0;
    },
  };
}

const meterMax = 200;

/** Meters by id, without what a batch brought that has not happened; undefined where there is none. */
function meterReads(routes: SlotRoutes, progress: ReturnType<typeof progressReads>, signal: AbortSignal) {
  async function storedIn(connection: InfluxConnection, some: readonly string[], odd: TellOdd): Promise<StoredMeter[]> {
    const stored: StoredMeter[] = [];
    for (const meter of await metersById(connection, some, signal)) {
      const position = await progress.positionOf(meter.partition, meter.newestOffset);
      // Numbers are the writer's.
      const one = meter.stored(-1, position, odd);
      if (one !== undefined) stored.push(one);
    }
    return stored;
  }

  return async (meterIds: readonly string[]): Promise<(StoredMeter | undefined)[]> => {
    const found = new Map<string, StoredMeter>();
    for (const [connection, theirs] of routes.byServer([...new Set(meterIds)], (meterId) => meterId)) {
      for (let first = 0; first < theirs.length; first += meterMax) {
        const some = theirs.slice(first, first + meterMax);
        const stored = await connection.odd.look((odd) => storedIn(connection, some, odd), signal);
        for (const meter of stored) found.set(meter.meterId, meter);
      }
    }
    return meterIds.map((meterId) => found.get(meterId));
  };
}
