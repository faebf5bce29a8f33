import type { DatabaseSync } from "node:sqlite";
import type { Seal } from "@meterbook/core/domain/seal/seal";
import type { RevisionKey } from "@meterbook/core/domain/snapshot/revision-place";
import type { Snapshot } from "@meterbook/core/domain/snapshot/snapshot";
import { snapshotId } from "@meterbook/core/domain/snapshot/snapshot";
import type { EntryPlace } from "@meterbook/sharding/ledger-place";
import { findingMonthNotes, findingMonthSchema } from "./finding-months.ts";
import { readLedgerRecord } from "./ledger-record.ts";
import { rowOf } from "./ledger-row.ts";
import { ledgerTrees, treeSchema } from "./ledger-trees.ts";
import { pointMonthNotes, pointMonthSchema } from "./point-months.ts";
import { qualityMonthNotes, qualityMonthSchema } from "./quality-months.ts";

/**
 * `sequence` holds the shard and the sequence in it in one number (ledger-row.ts). Rows are only ever inserted; the
 * triggers hold everybody to it who opens the file.
 */
export const snapshotSchema = `
  CREATE TABLE IF NOT EXISTS ledger (sequence INTEGER PRIMARY KEY, body BLOB NOT NULL, issued_at_ms INTEGER NOT NULL,
    leaf INTEGER NOT NULL);
  CREATE INDEX IF NOT EXISTS ledger_issued ON ledger (issued_at_ms);
  CREATE TABLE IF NOT EXISTS revision (period INTEGER NOT NULL, meter_id TEXT NOT NULL, revision INTEGER NOT NULL, sequence INTEGER NOT NULL,    PRIMARY KEY (period, meter_id, revision)) WITHOUT ROWID;
  CREATE TRIGGER IF NOT EXISTS ledger_is_final BEFORE UPDATE ON ledger BEGIN SELECT RAISE(ABORT, 'an issued revision never changes'); END;
  CREATE TRIGGER IF NOT EXISTS ledger_is_kept BEFORE DELETE ON ledger BEGIN SELECT RAISE(ABORT, 'an issued revision is never deleted'); END;
  CREATE TRIGGER IF NOT EXISTS revision_is_final BEFORE UPDATE ON revision BEGIN SELECT RAISE(ABORT, 'an issued revision never changes'); END;
  CREATE TRIGGER IF NOT EXISTS revision_is_kept BEFORE DELETE ON revision BEGIN SELECT RAISE(ABORT, 'an issued revision is never deleted'); END;
  ${treeSchema}
  ${pointMonthSchema}
  ${qualityMonthSchema}
  ${findingMonthSchema}
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
  addSeal(seal: Seal): void;
  /** Grows whenever a revision was inserted, and when that was undone. */
  changes(): number;
  /** To be called before the transaction ends. */
  ended(): void;
  /** To be called when it was undone. */
  undone(): void;
}

export interface DamagedRecord {
  readonly place: EntryPlace;
  readonly body: () => Uint8Array;
  readonly appendedAtMs: number;
}

export function snapshotInserts(database: DatabaseSync): SnapshotInserts {
  const insertRevision = database.prepare(
    "INSERT OR IGNORE INTO revision (period, meter_id, revision, sequence) VALUES (?, ?, ?, ?)",
  );
  const insertSeal = database.prepare(
    "INSERT OR IGNORE INTO seal (period, shard, size, root, sealed_at_ms) VALUES (?, ?, ?, ?, ?)",
  );
  const trees = ledgerTrees(database);
  let changes = 0;
  const insertBody = database.prepare("INSERT INTO ledger (sequence, body, issued_at_ms, leaf) VALUES (?, ?, ?, ?)");
  const notePoints = pointMonthNotes(database);
  const noteQualities = qualityMonthNotes(database);
  const noteFindings = findingMonthNotes(database);
  const revisionBody = database.prepare(
    "SELECT l.body FROM revision r JOIN ledger l USING (sequence) WHERE r.period = ? AND r.meter_id = ? AND r.revision = ?",
  );

  /** Whether the number of the revision was free. */
  function insert({ period, meterId, revision }: RevisionKey, { place, body, appendedAtMs }: DamagedRecord): boolean {
    const sequence = rowOf(place);
    if (insertRevision.run(period, meterId, revision, sequence).changes === 0) return false;
    const bytes = body();
    changes += 1;
    insertBody.run(sequence, bytes, appendedAtMs, trees.size(place.shard, period));
    trees.push(place.shard, period, bytes);
    return true;
  }

  return {
    add(place, snapshot, body) {
      if (insert(snapshot, { place, body, appendedAtMs: snapshot.issuedAtMs })) {
        notePoints(snapshot);
        noteQualities(snapshot);
        noteFindings(snapshot);
        return "added";
      }
      const { period, meterId, revision } = snapshot;
      const stored = revisionBody.get(period, meterId, revision)?.["body"] as Uint8Array | null | undefined;
      const issued = readLedgerRecord(stored ?? null, { period, meterId, revision }).snapshot;
      return issued !== undefined && isSameRevision(issued, snapshot) ? "known" : "differs";
    },
    addDamaged: insert,
    addSeal: ({ period, shard, size, root, sealedAtMs }) => void insertSeal.run(period, shard, size, root, sealedAtMs),
    changes: () => changes,
    ended: trees.ended,
    undone() {
      changes += 1;
      trees.undone();
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
