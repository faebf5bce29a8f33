import type { Channel, Columns, Reading, ReadingSeries } from "../domain/reading.ts";

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

/** Accepted readings of one channel, ascending, none of which is stored yet. */
export interface ChannelWrite extends Columns {
  readonly channelIndex: number;
}

export interface MeterWrite {
  readonly meterNo: number;
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
}

export interface StoredConflict extends Conflict {
  readonly id: number;
}

/** Counts of readings since the store was made; `stored` counts keys, so a value that replaces another is a conflict. */
export interface StoreCounts {
  readonly stored: number;
  readonly duplicates: number;
  readonly conflicts: number;
}

export interface StoreTotals extends StoreCounts {
  /** Meters whose snapshots wait to be recomputed. */
  readonly pending: number;
  /** Next offset to read, per partition of the readings log. */
  readonly positions: ReadonlyMap<number, number>;
  /** The newest `at` of all stored readings; 0 when there is none. */
  readonly newestAt: number;
}

/** A meter whose snapshots from `fromPeriod` on must be recomputed. */
export interface PendingMeter {
  readonly meterId: string;
  readonly fromPeriod: number;
}

/**
 * One batch of the readings log on its way into the store. The steps are called in the order of the members, each at
 * most once; `commit` makes all of it durable (where the store can, in one transaction with the position).
 */
export interface SeriesBatch {
  /** Numbers meters and channels that are new; answers those meters as stored from now on. */
  meet(
    meters: readonly { meterId: string; channels: readonly (Channel & { first: Reading })[] }[],
  ): Promise<readonly StoredMeter[]>;
  put(writes: readonly MeterWrite[]): Promise<void>;
  /** Sees what this batch has put. The answer at index i belongs to lookup i. */
  find(lookups: readonly Lookup[]): Promise<readonly (Reading | undefined)[]>;
  /** Late readings: stored like `put`, but may lie before readings that are there. */
  insert(writes: readonly MeterWrite[]): Promise<void>;
  /** Overwrites stored readings by ones of higher rank; the old values are in `conflicts`. */
  replace(writes: readonly MeterWrite[]): Promise<void>;
  /** Answers how many of them are new: the same refused value for the same key is recorded once. */
  conflicts(conflicts: readonly Conflict[]): Promise<number>;
  commit(outcome: BatchOutcome): Promise<void>;
  /** Undoes what can be undone; the batch will be offered again. */
  abandon(): Promise<void>;
}

export interface BatchOutcome {
  readonly partition: number;
  readonly position: number;
  /** To be added to the totals. */
  readonly counts: StoreCounts;
  readonly newestAt: number;
  readonly pending: readonly PendingMeter[];
}

/**
 * Reads of the series store, safe from any process while the writer works.
 *
 * Promises of every adapter (test/contracts/series-store.contract.ts): a read sees whole batches only, readings come
 * ascending in `at` without repeats, nothing is returned that was not put, and an unknown meter is `undefined`.
 */
export interface SeriesReader {
  meter(meterId: string): Promise<StoredMeter | undefined>;
  /** Readings with `from <= at <= to` of those channels (all where absent); channels without readings are left out. */
  read(
    meterId: string,
    options: { from: number; to: number; channels?: readonly number[] },
  ): Promise<readonly ReadingSeries[]>;
  conflictsOf(meterId: string, options: { afterId: number; limit: number }): Promise<readonly StoredConflict[]>;
  totals(): Promise<StoreTotals>;
}

/** The aggregator's side; one writer per partition. */
export interface SeriesStore extends SeriesReader {
  begin(): Promise<SeriesBatch>;
  /** Every meter of the store, in any order, a page at a time: how the aggregator starts. */
  meters(): AsyncIterable<readonly StoredMeter[]>;
  pending(): Promise<readonly PendingMeter[]>;
  /** These meters are recomputed and issued. */
  settled(meterIds: readonly string[]): Promise<void>;
  /** Marks meters without a batch (a boundary passed, the registry changed), and sets the note with them. */
  markPending(meters: readonly PendingMeter[], note?: { readonly name: string; readonly value: number }): Promise<void>;
  /** A number that was set by `markPending`: how far something had come when the process ended. */
  note(name: string): Promise<number | undefined>;
  /** Housekeeping for at most about `budgetMs` (sealing, compaction); answers whether there is more to do. */
  tidy(budgetMs: number): Promise<boolean>;
  close(): Promise<void>;
}
