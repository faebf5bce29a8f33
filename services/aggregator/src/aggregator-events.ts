/** What an operator can know of the aggregator; the runtime turns these into metrics and log lines. */
export interface AggregatorEvents {
  batchApplied(facts: {
    readings: number;
    stored: number;
    duplicates: number;
    conflicts: number;
    late: number;
    seconds: number;
  }): void;
  batchFailed(facts: { error: unknown }): void;
  snapshotsIssued(facts: { meters: number; issued: number; seconds: number }): void;
  boundaryPassed(facts: { zone: string; meters: number }): void;
  housekeepingFailed(facts: { error: unknown }): void;
}

export const silentAggregatorEvents: AggregatorEvents = {
  batchApplied: () => undefined,
  batchFailed: () => undefined,
  snapshotsIssued: () => undefined,
  boundaryPassed: () => undefined,
  housekeepingFailed: () => undefined,
};
