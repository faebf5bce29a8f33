import type { SnapshotLedger, SnapshotLedgers } from "@meterbook/core/ports/snapshot-ledger";

/**
 * Whoever took over has been heard of by then, and the partition is let go; else it is still ours. Longer than a
 * heartbeat.
 */
const fencedMs = 15_000;

export interface ReopeningLedger extends SnapshotLedger {
  fenced(nowMs: number): void;
  /**
   * Whether nothing was fenced, or long enough ago to take the right to issue back where the partition is still ours.
   */
  mayOpen(nowMs: number): boolean;
  /** Takes the right to issue back where it was fenced; not to be called before `mayOpen`. */
  reopen(): Promise<"as it was" | "taken back">;
}

/**
 * The ledger of a partition, opened again some time after it was fenced: a broker fences also a producer that stalled.
 */
export async function reopeningLedger(ledgers: SnapshotLedgers, partition: number): Promise<ReopeningLedger> {
  let ledger = await ledgers.open(partition);
  let fencedAtMs: number | undefined;
  return {
    append: (snapshots) => ledger.append(snapshots),
    latest: (options) => ledger.latest(options),
    latestRecords: (options) => ledger.latestRecords(options),
    changes: (options) => ledger.changes(options),
    find: (meterId, period, revision) => ledger.find(meterId, period, revision),
    revisions: (meterId, period) => ledger.revisions(meterId, period),
    latestOfMeter: (meterId, fromPeriod) => ledger.latestOfMeter(meterId, fromPeriod),
    latestOfMeters: (meterIds, fromPeriod) => ledger.latestOfMeters(meterIds, fromPeriod),
    metersOfUsagePoint: (period, usagePointId) => ledger.metersOfUsagePoint(period, usagePointId),
    issuedUsagePoints: (page) => ledger.issuedUsagePoints(page),
    issuedMeters: (period) => ledger.issuedMeters(period),
    catchUp: () => ledger.catchUp(),
    periods: () => ledger.periods(),
    placeBefore: (atMs) => ledger.placeBefore(atMs),
    lastPlace: () => ledger.lastPlace(),
    seals: (period) => ledger.seals(period),
    sealGrowth: (period) => ledger.sealGrowth(period),
    sealedRecord: (key) => ledger.sealedRecord(key),
    seal: (atMs) => ledger.seal(atMs),
    close: () => ledger.close(),
    fenced(nowMs) {
      fencedAtMs = nowMs;
    },
    mayOpen: (nowMs) => fencedAtMs === undefined || nowMs - fencedAtMs >= fencedMs,
    async reopen() {
      if (fencedAtMs === undefined) return "as it was";
      const before = ledger;
      ledger = await ledgers.open(partition);
      fencedAtMs = undefined;
      await before.close();
      return "taken back";
    },
  };
}
