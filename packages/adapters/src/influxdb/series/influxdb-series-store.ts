import type { ReadingSeries } from "@meterbook/core/domain/reading/reading";
import { AdapterError } from "@meterbook/core/ports/adapter-error";
import type { Clock } from "@meterbook/core/ports/clock";
import { systemClock } from "@meterbook/core/ports/clock";
import type { Progress, SeriesStore, SeriesStores } from "@meterbook/core/ports/series-store";
import { noProgress } from "@meterbook/core/ports/series-store";
import { slotCount } from "@meterbook/sharding/slot";
import type { InfluxConnection, InfluxOptions } from "../client/influx-connection.ts";
import { metersOfSlots } from "../points/channel-rows.ts";
import { quoteString } from "../points/line-protocol.ts";
import { type SlotRoutes, slotRoutes } from "../points/slot-routes.ts";
import { progressLine, progressOf } from "../trail/progress-rows.ts";
import { soundProgress } from "../trail/sound-progress.ts";
import { sealedNote, sharesRing, type Trail, trail, trailSlots } from "../trail/trail.ts";
import { type TrailLooks, trailLooks } from "../trail/trail-looks.ts";
import { type RefusedLines, writeLines } from "../writing/influx-write.ts";
import { writeWithTrail } from "../writing/line-queue.ts";
import { writeBatch } from "./influx-batch.ts";
import { findStored } from "./look-ups.ts";
import { readManyFrom } from "./read-many.ts";
import { type RememberedMeters, rememberMeters } from "./remembered-meters.ts";

export interface InfluxSeriesStoresOptions extends InfluxOptions {
  /** Of the readings log. */
  readonly partitions: number;
  /** Where lines go that the server will not store. */
  readonly refused: RefusedLines;
  /** Lines of a request; 5000 where absent. */
  readonly linesMax?: number;
  /** The system's where absent. */
  readonly clock?: Clock;
}

/** The series store on one or several InfluxDB 2.x servers. Nothing is asked before `open`. */
export function openInfluxSeriesStores(options: InfluxSeriesStoresOptions): SeriesStores {
  const routes = slotRoutes(options);
  const closed = new AbortController();
  const looks = trailLooks(routes.connections, closed.signal);
  /** How far partitions were that turned out to be behind. */
  const known = new Map<number, number>();
  return {
    open: (partition, ownerNo) =>
      openStore({ routes, looks, known, closed: closed.signal, options }, partition, ownerNo),
    async close() {
      closed.abort();
      routes.close();
    },
  };
}

interface Parts {
  readonly routes: SlotRoutes;
  readonly looks: TrailLooks;
  readonly known: Map<number, number>;
  readonly closed: AbortSignal;
  readonly options: InfluxSeriesStoresOptions;
}

async function openStore(parts: Parts, partition: number, ownerNo: number): Promise<SeriesStore> {
  const { routes, looks, known, options } = parts;
  const { partitions, refused, linesMax = 5000 } = options;
  const closing = new AbortController();
  const closed = AbortSignal.any([parts.closed, closing.signal]);
  const begun = await begin({ ...parts, closed }, partition, ownerNo);
  const { trails, behind } = begun;
  let progress = begun.progress;
  const remembered = await loadedMeters({ routes, partition, partitions, progress, signal: closed });

  async function check(when: "next" | "now"): Promise<"sound" | "behind"> {
    const found = await looks[when](trails);
    if (found === "behind") known.set(partition, Math.max(progress.position, known.get(partition) ?? 0));
    return found;
  }

  async function record(next: Progress, signal: AbortSignal): Promise<void> {
    // A hole that has gone round the ring could not be seen any more.
    if (trails.some(({ unseen }) => unseen >= unseenMax) && (await check("now")) === "behind") throw storeBehind();
    await begun.record(next, signal);
    progress = next;
  }

  async function readMany(meterIds: readonly string[], range: { from: number; to: number }) {
    const meters = meterIds.map((meterId) => remembered.find(meterId)?.stored);
    return readManyFrom(routes, meters, range, { beforeOffset: progress.position, signal: closed });
  }

  return {
    get progress() {
      return progress;
    },
    behind,
    check: () => check("next"),
    async read(meterId, { from, to, channels }) {
      const stored = remembered.find(meterId)?.stored;
      const wanted = stored?.channels.filter(({ index }) => channels === undefined || channels.includes(index)) ?? [];
      const meter = stored === undefined ? undefined : { ...stored, channels: wanted };
      const how = { beforeOffset: progress.position, signal: closed };
      return (await readManyFrom(routes, [meter], { from, to }, how))[0] as readonly ReadingSeries[];
    },
    readMany,
    get meterNoNext() {
      return remembered.size;
    },
    find: (lookups) => findStored({ remembered, routes, signal: closed }, lookups, progress.position),
    async apply(changes, next) {
      const batch = { partition, recorded: progress, remembered, routes, trails, refused, linesMax, closed, record };
      await writeBatch(batch, changes, next);
    },
    record: (next) => record(next, closed),
    async *meters() {
      yield* remembered.pages();
    },
    close: async () => closing.abort(),
  };
}

/** Takes over what can be built upon, and begins a trail of its own on every server. */
async function begin({ routes, known, closed, options }: Parts, partition: number, ownerNo: number) {
  const home = routes.serverOf(partition);
  const connection = routes.connections[home] as InfluxConnection;
  const found = await progressOf(connection, partition, closed);
  const wasKnown = known.get(partition);
  const place = { routes, partition, signal: closed };
  const { progress, unsound } = await soundProgress(place, found, { wasPutBack: wasKnown !== undefined });
  const epoch = freeEpoch(ownerNo, [...found.rows.map((row) => row.epoch), ...found.damagedEpochs]);
  const trails = routes.connections.map(() => trail(partition, epoch));
  const write = { precision: "ns", refused: progressRefused } as const;
  const clock = options.clock ?? systemClock;

  async function record(next: Progress, signal: AbortSignal): Promise<void> {
    const step = (trails[home] as Trail).step();
    // What is written with it is there when it is.
    const row = { epoch, progress: next, trails: trails.map((one) => one.end()) };
    const note = quoteString(sealedNote({ progress: next, trails: row.trails, recordedAtMs: clock.nowMs() }));
    const line = progressLine(partition, row);
    await writeWithTrail(connection, step, { text: line, lines: 1, note }, { ...write, signal });
  }

  const others = routes.connections.filter((one) => one !== connection);
  for (const other of others) {
    const step = (trails[routes.connections.indexOf(other)] as Trail).step();
    await writeWithTrail(other, step, { text: "", lines: 0 }, { ...write, signal: closed });
  }
  await record(progress, closed);
  // Only now: until ours stands, theirs may be all that there is.
  for (const theirs of [...unsound.map((row) => row.epoch), ...found.damagedEpochs]) {
    const line = progressLine(partition, { epoch: theirs, progress: noProgress, trails: [] });
    await writeLines(connection, line, 1, { ...write, signal: closed });
  }
  known.delete(partition);
  const knownPosition = Math.max(wasKnown ?? 0, ...unsound.map((row) => row.progress.position));
  const behind = knownPosition > progress.position ? { position: progress.position, knownPosition } : undefined;
  return { progress, trails, record, behind };
}

/** An epoch that was there before would write over another owner's row, one of the same ring over its trail. */
function freeEpoch(asked: number, taken: readonly number[]): number {
  let epoch = Math.max(asked, ...taken.map((one) => one + (one >= asked ? 1 : 0)));
  while (taken.some((one) => sharesRing(one, epoch))) epoch += 1;
  return epoch;
}

function storeBehind(): AdapterError {
  const detail = "the store has less than it said it had kept; it is opened again";
  return new AdapterError("store_behind", { retryable: true, detail });
}

/** Half of the ring. */
const unseenMax = trailSlots / 2;

function progressRefused(lines: readonly { detail: string }[]): never {
  const detail = `METERBOOK_INFLUX_BUCKET: progress was refused (${lines[0]?.detail}); its retention must be infinite`;
  throw new AdapterError("store_write_failed", { retryable: false, detail });
}

const slotsPerQuery = 8;

/** The meters of the partition that have happened. */
async function loadedMeters(from: {
  routes: SlotRoutes;
  partition: number;
  partitions: number;
  progress: Progress;
  signal: AbortSignal;
}): Promise<RememberedMeters> {
  const { routes, partition, partitions, progress, signal } = from;
  const remembered = rememberMeters(routes.serverOfMeter);
  const own = Array.from({ length: slotCount }, (_, slot) => slot).filter((slot) => slot % partitions === partition);
  for (const [server, slots] of Map.groupBy(own, routes.serverOf)) {
    for (let first = 0; first < slots.length; first += slotsPerQuery) {
      const some = slots.slice(first, first + slotsPerQuery);
      const connection = routes.connections[server] as InfluxConnection;
      const loaded = await connection.odd.look(async (odd) => {
        const found = await metersOfSlots(connection, some, signal);
        return found.flatMap((meter) => meter.stored(-1, progress.position, odd) ?? []);
      }, signal);
      for (const stored of loaded) remembered.load({ ...stored, no: remembered.size }, progress.newestAt);
    }
  }
  return remembered;
}
