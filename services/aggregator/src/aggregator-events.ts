import type { StillPartition } from "./watch/still-partitions.ts";

/** What an operator can know of the aggregator; the runtime turns these into metrics and log lines. */
export interface AggregatorEvents {
  batchApplied(facts: {
    readings: number;
    stored: number;
    duplicates: number;
    conflicts: number;
    late: number;
    /** Readings that are in the rejected log instead. */
    refused: number;
    /** Reports of meters without master data, taken or not. */
    unknown: number;
    seconds: number;
  }): void;
  /** Readings beyond a limit are in the rejected log. */
  refused(facts: { reason: string; meterId: string | null; detail: string }): void;
  batchFailed(facts: { error: unknown }): void;
  snapshotsIssued(facts: { meters: number; issued: number; seconds: number }): void;
  boundaryPassed(facts: { zone: string; meters: number }): void;
  /** The gaps of a partition's meters were looked at. `open`: those there are now, and the readings missing in them. */
  gapsLooked(facts: {
    partition: number;
    open: number;
    missing: number;
    /** Since the look before: gaps that were noticed and answered, meters that were asked, and those asked no more. */
    found: number;
    answered: number;
    asked: number;
    ended: number;
    /** Numbers of reports that meters left out. */
    reports: number;
  }): void;
  /** The partition is another's: its gaps are not this process's to count. */
  gapsLeft(facts: { partition: number }): void;
  /** The sums of a day were made. `pending`: days that are still to be summed. */
  groupsSummed(facts: { partition: number; meters: number; seconds: number; pending: number }): void;
  housekeepingFailed(facts: { error: unknown }): void;
  /**
   * The log no longer holds these records, and the store has not taken them in. Told once, when the partition goes on
   * behind them.
   */
  framesLost(facts: { partition: number; from: number; to: number }): void;
  /** The store has less than it said it had kept; the partition is opened again from what it has. */
  storeBehind(facts: { partition: number }): void;
  /** Told every two seconds. `still`: partitions that do not move though there is something to do. */
  looked(facts: {
    still: readonly StillPartition[];
    /** So far is the newest frame ahead of our clock; 0 or less where it is not. */
    logAheadMs: number;
  }): void;
}

export const silentAggregatorEvents: AggregatorEvents = {
  batchApplied: () => undefined,
  refused: () => undefined,
  batchFailed: () => undefined,
  snapshotsIssued: () => undefined,
  boundaryPassed: () => undefined,
  gapsLooked: () => undefined,
  gapsLeft: () => undefined,
  groupsSummed: () => undefined,
  housekeepingFailed: () => undefined,
  framesLost: () => undefined,
  storeBehind: () => undefined,
  looked: () => undefined,
};
