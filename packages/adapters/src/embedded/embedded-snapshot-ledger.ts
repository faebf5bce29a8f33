import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import type { Snapshot } from "@meterbook/core/domain/snapshot";
import { snapshotId } from "@meterbook/core/domain/snapshot";
import { AdapterError } from "@meterbook/core/ports/adapter-error";
import type { LedgerEntry, SnapshotLedger, SnapshotLedgers, SnapshotView } from "@meterbook/core/ports/snapshot-ledger";
import { decodeSnapshot } from "@meterbook/core/wire/decode-snapshot";
import { encodeSnapshot } from "@meterbook/core/wire/encode-snapshot";

/** Rows are only ever inserted; the triggers hold everybody to it who opens the file. */
const schema = `
  CREATE TABLE IF NOT EXISTS ledger (sequence INTEGER PRIMARY KEY, body BLOB NOT NULL);
  CREATE TABLE IF NOT EXISTS revision (period INTEGER NOT NULL, meter_id TEXT NOT NULL, revision INTEGER NOT NULL, sequence INTEGER NOT NULL,
    PRIMARY KEY (period, meter_id, revision)) WITHOUT ROWID;
  CREATE TRIGGER IF NOT EXISTS ledger_is_final BEFORE UPDATE ON ledger BEGIN SELECT RAISE(ABORT, 'an issued revision never changes'); END;
  CREATE TRIGGER IF NOT EXISTS ledger_is_kept BEFORE DELETE ON ledger BEGIN SELECT RAISE(ABORT, 'an issued revision is never deleted'); END;
  CREATE TRIGGER IF NOT EXISTS revision_is_final BEFORE UPDATE ON revision BEGIN SELECT RAISE(ABORT, 'an issued revision never changes'); END;
  CREATE TRIGGER IF NOT EXISTS revision_is_kept BEFORE DELETE ON revision BEGIN SELECT RAISE(ABORT, 'an issued revision is never deleted'); END;
  PRAGMA user_version = 1;
`;

export function openLedgerDatabase(dataDir: string): DatabaseSync {
  const database = new DatabaseSync(join(dataDir, "ledger.db"), { timeout: 10_000 });
  database.exec(
    "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA cache_size = -65536; PRAGMA wal_autocheckpoint = 8000",
  );
  database.exec(schema);
  return database;
}

/** The ledger and its view in `<dataDir>/ledger.db`; one writer, because the data directory has one process. */
export function openEmbeddedSnapshotLedgers(options: { dataDir: string }): SnapshotLedgers {
  return { open: async () => openLedger(options), close: async () => undefined };
}

function openLedger(options: { dataDir: string }): SnapshotLedger {
  const database = openLedgerDatabase(options.dataDir);
  const insertRevision = database.prepare(
    "INSERT OR IGNORE INTO revision (period, meter_id, revision, sequence) VALUES (?, ?, ?, ?)",
  );
  const insertBody = database.prepare("INSERT INTO ledger (sequence, body) VALUES (?, ?)");
  const view = ledgerView(database);
  let sequence = lastSequence(database);

  function add(snapshot: Snapshot): void {
    const { period, meterId, revision } = snapshot;
    if (insertRevision.run(period, meterId, revision, sequence + 1).changes === 0) {
      if (view.findSync(meterId, period, revision)?.hash === snapshot.hash) return;
      throw new Error(`${snapshotId(snapshot)} was issued with another hash, and an issued revision never changes`);
    }
    sequence += 1;
    insertBody.run(sequence, encodeSnapshot(snapshot));
  }

  async function append(snapshots: readonly Snapshot[]): Promise<void> {
    const before = sequence;
    database.exec("BEGIN IMMEDIATE");
    try {
      for (const snapshot of snapshots) add(snapshot);
      database.exec("COMMIT");
    } catch (cause) {
      if (database.isTransaction) database.exec("ROLLBACK");
      sequence = before;
      throw new AdapterError("store_write_failed", { retryable: true, cause });
    }
  }

  return { ...view.reads, append, close: async () => database.close() };
}

/** The ledger for readers: the API, from any thread or process. */
export function openEmbeddedSnapshotView(options: { dataDir: string }): SnapshotView & { close(): Promise<void> } {
  const database = new DatabaseSync(join(options.dataDir, "ledger.db"), { readOnly: true, timeout: 10_000 });
  return { ...ledgerView(database).reads, close: async () => database.close() };
}

function ledgerView(database: DatabaseSync): {
  reads: SnapshotView;
  findSync(meterId: string, period: number, revision?: number): Snapshot | undefined;
} {
  const one = database.prepare(
    "SELECT l.body FROM revision r JOIN ledger l USING (sequence) WHERE r.period = ? AND r.meter_id = ? AND r.revision = ?",
  );
  const newest = database.prepare(
    "SELECT l.body FROM revision r JOIN ledger l USING (sequence) WHERE r.period = ? AND r.meter_id = ? ORDER BY r.revision DESC LIMIT 1",
  );
  const all = database.prepare(
    "SELECT l.body FROM revision r JOIN ledger l USING (sequence) WHERE r.period = ? AND r.meter_id = ? ORDER BY r.revision",
  );
  // With max() SQLite takes the other columns from the row that has it, so this is one walk along the key.
  const latest = database.prepare(`
    SELECT r.sequence, l.body FROM (SELECT meter_id, sequence, max(revision) FROM revision WHERE period = ? AND meter_id > ?
      GROUP BY meter_id ORDER BY meter_id LIMIT ?) r JOIN ledger l USING (sequence) ORDER BY r.meter_id`);
  latest.setReturnArrays(true);
  const changes = database.prepare("SELECT sequence, body FROM ledger WHERE sequence > ? ORDER BY sequence LIMIT ?");
  const lastPeriod = database.prepare("SELECT max(period) AS period FROM revision");

  function findSync(meterId: string, period: number, revision?: number): Snapshot | undefined {
    const row = revision === undefined ? newest.get(period, meterId) : one.get(period, meterId, revision);
    return row === undefined ? undefined : decodeSnapshot(row["body"] as Uint8Array);
  }

  function ofMeter(meterId: string, fromPeriod: number): Snapshot[] {
    const found: Snapshot[] = [];
    const last = Number(lastPeriod.get()?.["period"] ?? -1);
    for (let period = fromPeriod; period <= last; period += 1) {
      const snapshot = findSync(meterId, period);
      if (snapshot !== undefined) found.push(snapshot);
    }
    return found;
  }

  return {
    findSync,
    reads: {
      latest: async ({ period, afterMeterId, limit }) =>
        (latest.all(period, afterMeterId ?? "", limit) as unknown as [number, Uint8Array][]).map(
          ([sequence, body]) => ({ sequence, snapshot: decodeSnapshot(body) }),
        ),
      changes: async ({ afterSequence, limit }) => changes.all(afterSequence, limit).map(entry),
      find: async (meterId, period, revision) => findSync(meterId, period, revision),
      revisions: async (meterId, period) =>
        all.all(period, meterId).map((row) => decodeSnapshot(row["body"] as Uint8Array)),
      latestOfMeter: async (meterId, fromPeriod) => ofMeter(meterId, fromPeriod),
      // The file is the ledger itself.
      catchUp: async () => undefined,
      lastSequence: async () => lastSequence(database),
    },
  };
}

function entry(row: Record<string, unknown>): LedgerEntry {
  return { sequence: row["sequence"] as number, snapshot: decodeSnapshot(row["body"] as Uint8Array) };
}

function lastSequence(database: DatabaseSync): number {
  return Number(database.prepare("SELECT max(sequence) AS sequence FROM ledger").get()?.["sequence"] ?? 0);
}
