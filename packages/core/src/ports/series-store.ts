import { noTally, type Tally } from "@meterbook/sharding/tally";
import type { Channel, Columns, Reading, ReadingSeries } from "../domain/reading/reading.ts";

/** A meter as the store knows it. `no` is the store's own key; `channels[i].index` = i. */
export interface StoredMeter {
  readonly no: number;
  readonly meterId: string;
  readonly channels: readonly StoredChannel[];
}

export interface StoredChannel extends Channel {
  readonly index: number;
  /** The earliest accepted reading. */
  readonly first: Reading;
}

/** Accepted readings of one channel, ascending. */
export interface ChannelWrite extends Columns {
  readonly channelIndex: number;
}

export interface MeterWrite {
  readonly meterNo: number;
  /** In the log, of the frame that brought these readings. */
  readonly position: number;
  readonly series: readonly ChannelWrite[];
}

/** Asks what is stored under exact keys. */
export interface Lookup {
  readonly meterNo: number;
  readonly channelIndex: number;
  readonly at: number;
}

/** A second value for the same meter, channel and instant. Both are kept; `kept` is what curves and snapshots use. */
export interface Conflict {
  readonly meterId: string;
  readonly channel: Channel;
  readonly at: number;
  readonly kept: Reading;
  readonly refused: Reading;
  readonly receivedAtMs: number;
  /** In the log, of the frame that brought the second value, and which of the frame's readings it was, from 0. */
  readonly position: number;
  readonly index: number;
}

export interface StoredConflict extends Omit<Conflict, "position" | "index"> {
  /** Grows with each conflict of a meter. */
  readonly id: number;
}

/**
 * Counts of readings since the store was made; `stored` counts keys, so a value that replaces another is a conflict.
 */
export interface StoreCounts {
  readonly stored: number;
  readonly duplicates: number;
  readonly conflicts: number;
  /** Put into the rejected log instead of the store. */
  readonly refused: number;
}

export interface StoreTotals extends StoreCounts {
  /** Meters whose snapshots wait to be recomputed. */
  readonly pending: number;
  /** The next frame to read, per partition of the readings log. */
  readonly positions: ReadonlyMap<number, number>;
  /** What writers of the log had appended before the positions; absent for a partition whose log counts itself. */
  readonly tallies: ReadonlyMap<number, Tally>;
  /** The newest `at` of all stored readings; 0 when there is none. */
  readonly newestAt: number;
}

/** How far a partition is. What is recorded is a function of the log up to `position`, but for the last three. */
export interface Progress {
  /** In the log, of the next frame to apply. */
  readonly position: number;
  readonly counts: StoreCounts;
  /** What the frames before `position` say of their writers. */
  readonly tally: Tally;
  /** The newest `at` of all stored readings; 0 when there is none. */
  readonly newestAt: number;
  /** What frames before this one changed is issued: 0 to `position`. Whoever takes over reads from here. */
  readonly issuedPosition: number;
  /** Meters whose snapshots wait to be recomputed. */
  readonly pending: number;
  /** How far other things are that a new owner must go on with. */
  readonly notes: Readonly<Record<string, number>>;
}

export const noProgress: Progress = {
  position: 0,
  counts: { stored: 0, duplicates: 0, conflicts: 0, refused: 0 },
  tally: noTally,
  newestAt: 0,
  issuedPosition: 0,
  pending: 0,
  notes: {},
};

/** What a batch of frames brings, decided. No key stands in it twice, but where `late` changes what `newer` brings. */
export interface SeriesChanges {
  /** Meters that are new, and known ones; of each the channels that are new. */
  readonly met: readonly StoredMeter[];
  /** Readings that follow all that their channels have, in the order of the log. */
  readonly newer: readonly MeterWrite[];
  /** Readings that may lie before others, or take the place of one that is stored. */
  readonly late: readonly MeterWrite[];
  /** Values that are not used. The same refused value for the same key is recorded once. */
  readonly conflicts: readonly Conflict[];
}

/**
 * Reads of the series store, safe from any process while the writer works.
 *
 * Promises of every adapter (test/contracts/series-store.contract.ts): a read sees every batch that is committed
 * (and perhaps parts of one that is not yet), readings come ascending in `at` without repeats, nothing is returned that
 * was not put, and an unknown meter is `undefined`.
 */
export interface SeriesReader {
  meter(meterId: string): Promise<StoredMeter | undefined>;
  /** Readings with `from <= at <= to` of those channels (all where absent); channels without readings are left out. */
  read(
    meterId: string,
    options: { from: number; to: number; channels?: readonly number[] },
  ): Promise<readonly ReadingSeries[]>;
  /** The same for several meters and all their channels; the answer at index i belongs to meter i. */
  readMany(
    meterIds: readonly string[],
    options: { from: number; to: number },
  ): Promise<readonly (readonly ReadingSeries[])[]>;
  conflictsOf(meterId: string, options: { afterId: number; limit: number }): Promise<readonly StoredConflict[]>;
  totals(): Promise<StoreTotals>;
}

/** Asks for meters that have readings. */
export interface MeterIdsPage {
  readonly afterMeterId?: string | undefined;
  /** Only those whose id begins so. */
  readonly prefix?: string | undefined;
  readonly limit: number;
}

/** Asks for refused values of the whole fleet. */
export interface ConflictsPage {
  /** The place of the last one that was given; from the newest on where absent. */
  readonly after?: ConflictPlace | undefined;
  readonly meterId?: string | undefined;
  /** Of the readings that are in conflict, in seconds UTC: `from <= at < to`. */
  readonly from?: number | undefined;
  readonly to?: number | undefined;
  readonly limit: number;
}

/** Of each shard of the store the id of the last conflict that was given; null where none of it was. */
export type ConflictPlace = readonly (number | null)[];

export interface FleetConflict {
  readonly conflict: StoredConflict;
  readonly place: ConflictPlace;
}

/**
 * What the series store says of all its meters together, whether anybody has registered them or not.
 *
 * Promises of every adapter (test/contracts/fleet-reader.contract.ts):
 * - `meterIds` is ordered by id; fewer than `limit` means the end. A meter is in it some time after its first reading:
 *   at once where the store has a list of its meters, else once its ids have been gone over again;
 * - `conflicts` begins with those that came last: each shard in the order of its log, the shards by when the values
 *   were received; fewer than `limit` means the end. What comes meanwhile moves nothing that was given;
 * - a page costs what it holds, however many meters there are; what filters leave out of `conflicts` is passed over.
 */
export interface FleetReader {
  meterIds(page: MeterIdsPage): Promise<readonly string[]>;
  /**
   * The instant of the newest reading of each (in seconds UTC), the answer at index i for meter i; null where what
   * would say so is damaged, undefined where there is no reading.
   */
  newestOf(meterIds: readonly string[]): Promise<readonly (number | null | undefined)[]>;
  conflicts(page: ConflictsPage): Promise<readonly FleetConflict[]>;
}

/** A store that has less than it had: put back to an older copy, emptied, exchanged. */
export interface StoreBehind {
  /** From where on the log is taken in again. */
  readonly position: number;
  /** How far the store was before. */
  readonly knownPosition: number;
}

/** A stretch of a meter's readings of which a part cannot be read. */
export interface DamagedSpan {
  /** The damaged parts, as the damage log calls their places. */
  readonly places: readonly string[];
  /** Seconds UTC, both among it. */
  readonly from: number;
  readonly to: number;
  /** What of it can be read. */
  readonly sound: readonly ReadingSeries[];
  /** How many readings there were in all. */
  readonly readings: number;
}

/** How a store is mended whose readings are damaged in places. */
export interface SeriesRepair {
  /** All spans of a meter that hold damage, ascending. */
  damaged(meterId: string): Promise<readonly DamagedSpan[]>;
  /** Puts these readings in place of all of a span, and keeps what was damaged aside, with what is lost of it. */
  rebuild(
    meterId: string,
    span: DamagedSpan,
    by: { readonly series: readonly ReadingSeries[]; readonly lost: number },
  ): Promise<void>;
  /** What was lost when a place was rebuilt, and from when on it held readings; undefined where it was not. */
  rebuilt(place: string): Promise<{ readonly lost: number; readonly from: number } | undefined>;
}

/**
 * The aggregator's side of one partition, which has one owner at a time. The owner gives meters their numbers, and
 * channels their indexes.
 */
export interface SeriesStore extends Pick<SeriesReader, "read" | "readMany"> {
  /** As last recorded. */
  readonly progress: Progress;
  /** What was found when it was opened: then `progress` is what the store can be built upon from. */
  readonly behind: StoreBehind | undefined;
  /**
   * Checks that the store still has all that it said it had kept. Resolves in its own time, some seconds apart.
   * `behind`: whatever is remembered is wrong, and the partition must be opened again. Rejects if the store cannot be
   * asked.
   */
  check(): Promise<"sound" | "behind">;
  /** The next new meter's number. Neither it nor a greater one was ever given. */
  readonly meterNoNext: number;
  /** What is stored under each key; the answer at index i belongs to lookup i. */
  find(lookups: readonly Lookup[]): Promise<readonly (Reading | undefined)[]>;
  /**
   * Makes all of it durable, and then `progress`. Its counts take every conflict for a new one: those that were
   * recorded before are counted as duplicates instead. After a rejection it has not happened, and `progress` is as it
   * was: however much of it is in the store, the same frames meet the same answers again.
   */
  apply(changes: SeriesChanges, progress: Progress): Promise<void>;
  /**
   * Records progress beside batches: something was issued or noted, or the log no longer holds what comes before a
   * greater position. Its counts and newestAt do not change.
   */
  record(progress: Progress): Promise<void>;
  /** Undefined where the store itself keeps its readings whole. */
  readonly repair?: SeriesRepair;
  /** Every meter of the partition, in any order, a page at a time: how the aggregator starts. */
  meters(): AsyncIterable<readonly StoredMeter[]>;
  /** Work for about `budgetMs` at most that may wait; answers whether there is more. Undefined where there is none. */
  readonly upkeep?: (budgetMs: number) => Promise<boolean>;
  close(): Promise<void>;
}

/**
 * The store as its writers see it.
 *
 * Promises of every adapter: what an owner still writes after another has taken over changes nothing that a reader or
 * a later owner sees, because it is the same (docs/decisions/0006-state-on-kafka-and-influxdb.md).
 */
export interface SeriesStores {
  /** Takes a partition over. `ownerNo` is greater than that of every owner before. */
  open(partition: number, ownerNo: number): Promise<SeriesStore>;
  close(): Promise<void>;
}
