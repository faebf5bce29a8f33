import type { DatabaseSync } from "node:sqlite";
import type { RevisionKey } from "@meterbook/core/domain/snapshot/revision-place";
import type { Snapshot } from "@meterbook/core/domain/snapshot/snapshot";
import { snapshotId } from "@meterbook/core/domain/snapshot/snapshot";
import type { EntryPlace } from "@meterbook/sharding/ledger-place";
import { readLedgerRecord } from "./ledger-record.ts";
import { rowOf } from "./ledger-row.ts";

/**
 * `sequence` holds the shard and the sequence in it in one number (ledger-row.ts). Rows are only ever inserted; the
 * triggers hold everybody to it who opens the file.
 */
export const snapshotSchema = `
  CREATE TABLE IF NOT EXISTS ledger (sequence INTEGER PRIMARY KEY, body BLOB NOT NULL, issued_at_ms INTEGER NOT NULL);
  CREATE INDEX IF NOT EXISTS ledger_issued ON ledger (issued_at_ms);
  CREATE TABLE IF NOT EXISTS revision (period INTEGER NOT NULL, meter_id TEXT NOT NULL, revision INTEGER NOT NULL, sequence INTEGER NOT NULL,
    PRIMARY KEY (period, meter_id, revision)) WITHOUT ROWID;
  CREATE TRIGGER IF NOT EXISTS ledger_is_final BEFORE UPDATE ON ledger BEGIN SELECT RAISE(ABORT, 'an issued revision never changes'); END;
  CREATE TRIGGER IF NOT EXISTS ledger_is_kept BEFORE DELETE ON ledger BEGIN SELECT RAISE(ABORT, 'an issued revision is never deleted'); END;
  CREATE TRIGGER IF NOT EXISTS revision_is_final BEFORE UPDATE ON revision BEGIN SELECT RAISE(ABORT, 'an issued revision never changes'); END;
  CREATE TRIGGER IF NOT EXISTS revision_is_kept BEFORE DELETE ON revision BEGIN SELECT RAISE(ABORT, 'an issued revision is never deleted'); END;
`;

/** Inserts into the tables of `snapshotSchema`, inside the caller's transaction. */
export interface SnapshotInserts {
  /**
   * Whether the revision is new; one that is there already, as provisional or final and with the same hash, is left
   * alone.
   */
  add(place: EntryPlace, snapshot: Snapshot, body: () => Uint8Array): "added" | "known" | "differs";
  /**
   * A record that cannot be read, but whose revision is known from its header: its number is taken. Answers whether the
   * number was free.
   */
  addDamaged(key: RevisionKey, record: DamagedRecord): boolean;
}

export interface DamagedRecord {
  readonly place: EntryPlace;
  readonly body: Uint8Array;
  readonly appendedAtMs: number;
}

export function snapshotInserts(database: DatabaseSync): SnapshotInserts {
  const insertRevision = database.prepare(
    "INSERT OR IGNORE INTO revision (period, meter_id, revision, sequence) VALUES (?, ?, ?, ?)",
  );
  const insertBody = database.prepare("INSERT INTO ledger (sequence, body, issued_at_ms) VALUES (?, ?, ?)");
  const revisionBody = database.prepare(
    "SELECT l.body FROM revision r JOIN ledger l USING (sequence) WHERE r.period = ? AND r.meter_id = ? AND r.revision = ?",
  );
  return {
    add(place, snapshot, body) {
      const { period, meterId, revision } = snapshot;
      const sequence = rowOf(place);
      if (insertRevision.run(period, meterId, revision, sequence).changes === 0) {
        const stored = revisionBody.get(period, meterId, revision)?.["body"] as Uint8Array | null | undefined;
        const issued = readLedgerRecord(stored ?? null, { period, meterId, revision }).snapshot;
        return issued !== undefined && isSameRevision(issued, snapshot) ? "known" : "differs";
      }
      insertBody.run(sequence, body(), snapshot.issuedAtMs);
      return "added";
    },
    addDamaged({ period, meterId, revision }, { place, body, appendedAtMs }) {
      const sequence = rowOf(place);
      if (insertRevision.run(period, meterId, revision, sequence).changes === 0) return false;
      insertBody.run(sequence, body, appendedAtMs);
      return true;
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
