import type { Origin } from "../domain/reading.ts";

/** A report that was accepted; `report` is a protobuf MeterReport. */
export interface LoggedReport {
  readonly meterId: string;
  readonly receivedAtMs: number;
  readonly origin: Origin;
  readonly report: Uint8Array;
  /** How many readings `report` holds, 1 or more. */
  readonly readings: number;
}

/** One record of the log: the reports of one partition that waited together. */
export interface LogFrame {
  readonly partition: number;
  /** Grows within the partition; the position after this frame is `offset + 1`. */
  readonly offset: number;
  readonly appendedAtMs: number;
  readonly reports: readonly LoggedReport[];
}

export interface FrameBatch {
  readonly partition: number;
  readonly frames: readonly LogFrame[];
}

/** The aggregator's side of the log. */
export interface FrameConsumer {
  /** These partitions are now this consumer's; answers the position (next offset) to read each from. */
  assigned(partitions: readonly number[]): Promise<ReadonlyMap<number, number>>;
  revoked(partitions: readonly number[]): Promise<void>;
  /** Frames in order. Never called while an earlier call is pending; a rejection ends in a retry of the same frames. */
  handle(batch: FrameBatch): Promise<void>;
}

export interface Subscription {
  /** Ends after the batch in hand. */
  close(): Promise<void>;
}

/** What the log holds, exact at the moment of asking. */
export interface LogTotals {
  /** Readings ever appended. */
  readonly readings: number;
  readonly reports: number;
  /** Position after the newest frame, per partition. */
  readonly ends: ReadonlyMap<number, number>;
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
  consume(consumer: FrameConsumer): Promise<Subscription>;
  totals(): Promise<LogTotals>;
  /** When the frame at `position` was appended; undefined when there is none yet. The age of what is unread. */
  appendedAtMs(partition: number, position: number): Promise<number | undefined>;
  close(): Promise<void>;
}
