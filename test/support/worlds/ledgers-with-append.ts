import type { SnapshotLedger, SnapshotLedgers } from "@meterbook/core/ports/snapshot-ledger";

type Append = SnapshotLedger["append"];

/**
 * The same ledgers, but that `append` stands in front of theirs: it may fail before or after the snapshots are kept.
 */
export function ledgersWithAppend(append: (real: Append) => Append) {
  return (real: SnapshotLedgers): SnapshotLedgers => ({
    ...real,
    async open(partition) {
      const ledger = await real.open(partition);
      return { ...ledger, append: append((snapshots) => ledger.append(snapshots)) };
    },
  });
}
