import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import type { Snapshot } from "@meterbook/core/domain/snapshot/snapshot";
import type { DamageEars } from "@meterbook/core/ports/damage-log";
import type { SnapshotLedger, SnapshotLedgers, SnapshotView } from "@meterbook/core/ports/snapshot-ledger";
import { inTransaction } from "../../sqlite-views/file/in-transaction.ts";
import { ledgerPlaces } from "../../sqlite-views/ledger/ledger-places.ts";
import { encodeLedgerRecord } from "../../sqlite-views/ledger/ledger-record.ts";
import { ledgerSeals } from "../../sqlite-views/ledger/ledger-seals.ts";
import { snapshotReads } from "../../sqlite-views/ledger/snapshot-reads.ts";
import { issuedDifferently, snapshotInserts, snapshotSchema } from "../../sqlite-views/ledger/snapshot-view.ts";
import { storeWriteError } from "../database/append-error.ts";
import { makeTables } from "../database/file-version.ts";
import { floorOf } from "../database/floor-of.ts";
import { shardDirectory } from "../database/shard-directory.ts";
import { shardedView } from "./sharded-view.ts";

export interface EmbeddedLedgerOptions {
  readonly dataDir: string;
  /** How many the data directory has; one where absent. */
  readonly shards?: number;
  /** Told of records that cannot be read. */
  readonly ears?: DamageEars;
}

export function openLedgerDatabase(dataDir: string): DatabaseSync {
  const database = new DatabaseSync(join(dataDir, "ledger.db"), { timeout: 10_000 });
  database.exec(
    "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA cache_size = -65536; PRAGMA wal_autocheckpoint = 8000",
  );
  makeTables(database, "ledger", snapshotSchema);
  return database;
}

/**
 * The ledger and its view in `ledger.db` of each shard's folder; one writer each, because the data directory has one
 * process.
 */
export function openEmbeddedSnapshotLedgers(options: EmbeddedLedgerOptions): SnapshotLedgers {
  return { open: async (shard) => openLedger(options, shard), close: async () => undefined };
}

function openLedger(options: EmbeddedLedgerOptions, shard: number): SnapshotLedger {
  const database = openLedgerDatabase(shardDirectory(options.dataDir, shard));
  const inserts = snapshotInserts(database);
  const seals = ledgerSeals(database);
  let sequence = Math.max(ledgerPlaces(database).last()[shard] ?? 0, floorOf(database));

  function add(snapshot: Snapshot): void {
    const outcome = inserts.add({ shard, sequence: sequence + 1 }, snapshot, () => encodeLedgerRecord(snapshot));
    if (outcome === "differs") throw issuedDifferently(snapshot);
    if (outcome === "added") sequence += 1;
  }

  async function write(work: () => void): Promise<void> {
    const before = sequence;
    try {
      inTransaction(database, () => {
        work();
        inserts.ended();
      });
    } catch (cause) {
      sequence = before;
      inserts.undone();
      throw storeWriteError(cause, database.location());
    }
  }

  const append = (snapshots: readonly Snapshot[]) =>
    write(() => {
      for (const snapshot of snapshots) add(snapshot);
    });

  async function seal(atMs: number): Promise<void> {
    const grown = seals.grown(shard);
    if (grown.length === 0) return;
    await write(() => {
      for (const one of grown) inserts.addSeal({ ...one, sealedAtMs: atMs });
    });
  }

  return { ...viewOf(database, options.ears, inserts.changes), append, seal, close: async () => database.close() };
}

type ClosableView = SnapshotView & { close(): Promise<void> };

/** The ledger for readers: the API, from any thread or process. */
export function openEmbeddedSnapshotView(options: EmbeddedLedgerOptions): ClosableView {
  const shards = Array.from({ length: options.shards ?? 1 }, (_, shard) => openEmbeddedSnapshotShard(options, shard));
  return {
    ...shardedView(shards),
    close: async () => void (await Promise.all(shards.map((shard) => shard.close()))),
  };
}

/** One shard of it. */
export function openEmbeddedSnapshotShard(options: EmbeddedLedgerOptions, shard: number): ClosableView {
  const file = join(shardDirectory(options.dataDir, shard), "ledger.db");
  const database = new DatabaseSync(file, { readOnly: true, timeout: 10_000 });
  return { ...viewOf(database, options.ears), close: async () => database.close() };
}

/** The file is the ledger itself, so there is nothing to catch up with. */
function viewOf(database: DatabaseSync, ears: DamageEars | undefined, changes?: () => number): SnapshotView {
  return { ...snapshotReads(database, ears, changes).reads, catchUp: async () => undefined };
}
