import type { DatabaseSync } from "node:sqlite";
import type { Snapshot } from "@meterbook/core/domain/snapshot";
import { snapshotId } from "@meterbook/core/domain/snapshot";
import type { LedgerEntry, SnapshotView } from "@meterbook/core/ports/snapshot-ledger";
import { decodeSnapshot } from "@meterbook/core/wire/decode-snapshot";
import { issuedPeriods } from "./issued-periods.ts";

/** Rows are only ever inserted; the triggers hold everybody to it who opens the file. */
export const snapshotSchema = `
  CREATE TABLE IF NOT EXISTS ledger (sequence INTEGER PRIMARY KEY, body BLOB NOT NULL);
  CREATE TABLE IF NOT EXISTS revision (period INTEGER NOT NULL, meter_id TEXT NOT NULL, revision INTEGER NOT NULL, sequence INTEGER NOT NULL,
    PRIMARY KEY (period, meter_id, revision)) WITHOUT ROWID;
  CREATE TRIGGER IF NOT EXISTS ledger_is_final BEFORE UPDATE ON ledger BEGIN SELECT RAISE(ABORT, 'an issued revision never changes'); END;
  CREATE TRIGGER IF NOT EXISTS ledger_is_kept BEFORE DELETE ON ledger BEGIN SELECT RAISE(ABORT, 'an issued revision is never deleted'); END;
  CREATE TRIGGER IF NOT EXISTS revision_is_final BEFORE UPDATE ON revision BEGIN SELECT RAISE(ABORT, 'an issued revision never changes'); END;
  CREATE TRIGGER IF NOT EXISTS revision_is_kept BEFORE DELETE ON revision BEGIN SELECT RAISE(ABORT, 'an issued revision is never deleted'); END;
`;

/** Inserts into the tables of `snapshotSchema`, inside the caller's transaction. */
export interface SnapshotInserts {
  /** Whether the revision is new; one that is there already, as provisional or final and with the same hash, is left alone. */
  add(sequence: number, snapshot: Snapshot, body: () => Uint8Array): "added" | "known" | "differs";
}

export function snapshotInserts(database: DatabaseSync): SnapshotInserts {
  const insertRevision = database.prepare(
    "INSERT OR IGNORE INTO revision (period, meter_id, revision, sequence) VALUES (?, ?, ?, ?)",
  );
  const insertBody = database.prepare("INSERT INTO ledger (sequence, body) VALUES (?, ?)");
  const { findSync } = snapshotReads(database);
  return {
    add(sequence, snapshot, body) {
      const { period, meterId, revision } = snapshot;
      if (insertRevision.run(period, meterId, revision, sequence).changes === 0) {
        const issued = findSync(meterId, period, revision);
        return issued !== undefined && isSameRevision(issued, snapshot) ? "known" : "differs";
      }
      insertBody.run(sequence, body());
      return "added";
    },
  };
}

/** The hash says nothing of whether the content is final. */
export function isSameRevision(issued: Snapshot, { hash, lifecycle }: Snapshot): boolean {
  return issued.hash === hash && issued.lifecycle === lifecycle;
}

export function issuedDifferently(snapshot: Snapshot): Error {
  return new Error(
    `${snapshotId(snapshot)} was issued with another hash or lifecycle, and an issued revision never changes`,
  );
}

/** Reads of the tables of `snapshotSchema`. */
export function snapshotReads(database: DatabaseSync): {
  reads: Omit<SnapshotView, "catchUp">;
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
  const periods = issuedPeriods(database);

  function findSync(meterId: string, period: number, revision?: number): Snapshot | undefined {
    const row = revision === undefined ? newest.get(period, meterId) : one.get(period, meterId, revision);
    return row === undefined ? undefined : decodeSnapshot(row["body"] as Uint8Array);
  }

  function ofMeter(meterId: string, fromPeriod: number): Snapshot[] {
    return periods()
      .filter((period) => period >= fromPeriod)
      .flatMap((period) => findSync(meterId, period) ?? []);
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
      lastSequence: async () => lastSequence(database),
    },
  };
}

function entry(row: Record<string, unknown>): LedgerEntry {
  return { sequence: row["sequence"] as number, snapshot: decodeSnapshot(row["body"] as Uint8Array) };
}

export function lastSequence(database: DatabaseSync): number {
  return Number(database.prepare("SELECT max(sequence) AS sequence FROM ledger").get()?.["sequence"] ?? 0);
}
