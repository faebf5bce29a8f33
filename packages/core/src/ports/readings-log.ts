import type { Barrier } from "@meterbook/sharding/barrier";
import type { FrameTally, Tally } from "@meterbook/sharding/tally";
import type { Origin } from "../domain/reading/reading.ts";

/** A report that was accepted; `report` is a protobuf MeterReport. */
export interface LoggedReport {
  readonly meterId: string;
  readonly receivedAtMs: number;
  readonly origin: Origin;
  readonly report: Uint8Array;
  /** How many readings `report` holds, 1 or more. */
  readonly readings: number;
}

/** One record of the log: the reports of one partition that waited together, or a barrier, which has no reports. */
export interface LogFrame {
  readonly partition: number;
  /** Grows within the partition; the position after this frame is `offset + 1`. */
  readonly offset: number;
  readonly appendedAtMs: number;
  readonly reports: readonly LoggedReport[];
  /** Absent where the log itself counts what is appended. */
  readonly tally?: FrameTally;
  readonly barrier?: Barrier | undefined;
}

export interface FrameBatch {
  readonly partition: number;
  readonly frames: readonly LogFrame[];
}

/** The aggregator's side of the log. Partitions are independent of each other: their calls may overlap. */
export interface FrameConsumer {
  /**
   * This partition is now this consumer's; answers the offset to read from. `ownerNo` is greater than in any earlier
   * assignment of the partition, to whomever. After a rejection there is another attempt, unless `gone` is aborted.
   * Then the partition is another consumer's, and what was not taken over yet must be left to that one. `again` has the
   * partition revoked and, while it is this process's, assigned anew; it is called when what the consumer knew of the
   * partition was wrong.
   */
  assigned(partition: number, ownerNo: number, gone?: AbortSignal, again?: () => void): Promise<number>;
  /** It is no longer; nothing more is handed over for it. Resolves when the consumer has let go. */
  revoked(partition: number): Promise<void>;
  /**
   * Frames in order. Never called while an earlier call of the partition is pending; a rejection ends in a retry of the
   * same frames.
   */
  handle(batch: FrameBatch): Promise<void>;
  /**
   * The log no longer holds these frames, and they were not handed over. Told before the frames after them, and again
   * after a rejection.
   */
  lost?(range: LostFrames): Promise<void>;
}

/** From an offset on, up to one that is not lost. */
export interface LostFrames {
  readonly partition: number;
  readonly from: number;
  readonly to: number;
}

export interface Subscription {
  /** Ends after the batch in hand. */
  close(): Promise<void>;
}

/** What a partition of the log still holds, read beside whoever follows it. */
export interface LogHistory {
  /** The oldest frame; undefined where the log holds none. */
  first(): Promise<{ readonly offset: number; readonly appendedAtMs: number } | undefined>;
  /** The oldest offset whose frame was appended at that time or later; the log's end where there is none. */
  offsetAt(appendedAtMs: number): Promise<number>;
  /** Some frames from an offset on, and whether something of them cannot be read; none at the end. */
  frames(from: number): Promise<{ readonly frames: readonly LogFrame[]; readonly faulty: boolean }>;
}

/** What a log holds from given positions on, and what ever came into it. */
export interface Unread {
  /** Readings that were ever appended, as counted by who appended them: what was lost since is among them. */
  readonly accepted: number;
  readonly readings: number;
  /** When the oldest unread frame was appended; undefined when there is none. */
  readonly oldestAppendedAtMs: number | undefined;
}

/**
 * The ordered, durable hand-over between ingest and aggregator.
 *
 * Promises of every adapter (test/contracts/readings-log.contract.ts):
 * - `append` resolves only once the report survives a crash of the process and, where the disk keeps its word, of the
 *   machine; it rejects with an AdapterError when the log cannot keep it (`log_full`: goes on when there is room);
 * - reports of one meter are delivered in the order in which they were appended;
 * - frames are delivered at least once, from the position that the consumer names;
 * - what waits in memory is bounded: `append` waits when the bound is reached.
 */
export interface ReadingsLog {
  /** A power of two, 1 to 256; a meter's partition is `partitionOf(meterId, partitions)`. */
  readonly partitions: number;
  append(report: LoggedReport): Promise<void>;
  /**
   * Puts a barrier into these partitions, behind all reports whose `append` has resolved. Answers its offset in each
   * once it survives a crash as a report does. Any process may call it; a second barrier of the same meaning changes
   * nothing.
   */
  appendBarrier(partitions: readonly number[], barrier: Barrier): Promise<ReadonlyMap<number, number>>;
  consume(consumer: FrameConsumer): Promise<Subscription>;
  /** The offset after the newest frame of every partition, exact at the moment of asking. */
  ends(): Promise<ReadonlyMap<number, number>>;
  /** The oldest offset that each partition still holds; its end where it holds none. */
  starts(): Promise<ReadonlyMap<number, number>>;
  /**
   * Counts what stands at or after these positions (0 if a partition is left out), and all that was appended, exact at
   * the moment of asking. `tallies` is what was counted of the frames before the positions (Progress).
   */
  unread(positions: ReadonlyMap<number, number>, tallies?: ReadonlyMap<number, Tally>): Promise<Unread>;
  /** Of a partition, where a store that stands on it may be in need of it (SeriesStore.repair). */
  readonly history?: (partition: number) => LogHistory;
  close(): Promise<void>;
}
