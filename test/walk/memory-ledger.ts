import { DatabaseSync } from "node:sqlite";
import { encodeLedgerRecord } from "@meterbook/adapters/sqlite-views/ledger/ledger-record";
import { ledgerSeals } from "@meterbook/adapters/sqlite-views/ledger/ledger-seals";
import { snapshotReads } from "@meterbook/adapters/sqlite-views/ledger/snapshot-reads";
import {
  issuedDifferently,
  snapshotInserts,
  snapshotSchema,
} from "@meterbook/adapters/sqlite-views/ledger/snapshot-view";
import type { Snapshot } from "@meterbook/core/domain/snapshot/snapshot";
import { AdapterError } from "@meterbook/core/ports/adapter-error";
import type { SnapshotLedger, SnapshotView } from "@meterbook/core/ports/snapshot-ledger";
import type { EntryPlace } from "@meterbook/sharding/ledger-place";
import { flippedBit } from "../support/flipped-bit.ts";

/** The ledger in memory, with a fence for each partition as on Kafka: who takes it over shuts out the owner before. */
export interface MemoryLedger {
  readonly view: SnapshotView;
  readonly database: DatabaseSync;
  open(partition: number): SnapshotLedger;
  /** Keeps a record of which a bit is not as it was written. */
  putDamaged(shard: number, snapshot: Snapshot): void;
}

export function memoryLedger(): MemoryLedger {
  const database = new DatabaseSync(":memory:");
  database.exec(snapshotSchema);
  const inserts = snapshotInserts(database);
  const seals = ledgerSeals(database);
  const view: SnapshotView = { ...snapshotReads(database).reads, catchUp: async () => undefined };
  const fences = new Map<number, symbol>();
  const sequences = new Map<number, number>();
  const next = (shard: number) => ({ shard, sequence: (sequences.get(shard) ?? 0) + 1 });
  const taken = ({ shard, sequence }: EntryPlace) => void sequences.set(shard, sequence);

  function checkFence(partition: number, own: symbol): void {
    if (fences.get(partition) !== own) throw new AdapterError("ledger_fenced", { retryable: true });
  }

  function append(shard: number, snapshots: readonly Snapshot[]): void {
    database.exec("BEGIN");
    try {
      for (const snapshot of snapshots) {
        const place = next(shard);
        const outcome = inserts.add(place, snapshot, () => encodeLedgerRecord(snapshot));
        if (outcome === "differs") throw issuedDifferently(snapshot);
        if (outcome === "added") taken(place);
      }
      inserts.ended();
      database.exec("COMMIT");
    } catch (error) {
      database.exec("ROLLBACK");
      inserts.undone();
      throw error;
    }
  }

  return {
    view,
    database,
    putDamaged(shard, snapshot) {
      const place = next(shard);
      inserts.add(place, snapshot, () => flippedBit(encodeLedgerRecord(snapshot)));
      inserts.ended();
      taken(place);
    },
    open(partition) {
      const own = Symbol("fence");
      fences.set(partition, own);
      return {
        ...view,
        async append(snapshots) {
          checkFence(partition, own);
          append(partition, snapshots);
        },
        async seal(atMs) {
          checkFence(partition, own);
          for (const grown of seals.grown(partition)) inserts.addSeal({ ...grown, sealedAtMs: atMs });
        },
        close: async () => undefined,
      };
    },
  };
}
