import { DatabaseSync } from "node:sqlite";
import { inTransaction } from "../../sqlite-views/file/in-transaction.ts";
import { bigNumbers, cellsChecksum, isIntact } from "../../sqlite-views/file/row-checksum.ts";
import { fileVersions, refuseOtherVersions } from "../database/file-version.ts";
import {
  type DirectoryIdentity,
  type Facts,
  type FileName,
  fileNamesOf,
  openToRead,
  pathOf,
} from "./directory-files.ts";

/**
 * What `directory.db` knows of the other files: which there are, and how much each has held. It is read from what they
 * hold durably, so it may lag behind them and never leads: whatever a crash takes back, a sound directory starts.
 */
export interface KnownFiles extends DirectoryIdentity {
  /** Files that were made whole; others may be missing, because nothing is in them. */
  readonly members: ReadonlySet<FileName>;
  readonly marks: ReadonlyMap<FileName, Facts>;
  /** When the marks were last written; 0 where they never were. */
  readonly markedAtMs: number;
}

export interface Marks {
  known(): KnownFiles;
  addMember(file: FileName): void;
  /** Raises what is known; lower numbers change nothing. */
  raise(facts: ReadonlyMap<FileName, Facts>, atMs: number): void;
  /** Lets a file go on with less than was known: an operator has accepted the loss. */
  forget(file: FileName): void;
  close(): void;
}

/** The columns that the checksum covers. */
const markColumns = ["file", "fact", "value", "at_ms"] as const;

const schema = `
  CREATE TABLE IF NOT EXISTS directory (id TEXT NOT NULL, floor INTEGER NOT NULL, shards INTEGER NOT NULL);
  CREATE TABLE IF NOT EXISTS member (file TEXT PRIMARY KEY) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS mark (file TEXT NOT NULL, fact TEXT NOT NULL, value INTEGER NOT NULL, at_ms INTEGER NOT NULL,
    checksum INTEGER NOT NULL, PRIMARY KEY (file, fact)) WITHOUT ROWID;
`;

/** Opens `<dataDir>/directory.db`; where it is missing, makes it with `newIdentity`. */
export function openMarks(dataDir: string, newIdentity: () => DirectoryIdentity): Marks {
  const database = new DatabaseSync(pathOf(dataDir, "directory"), { timeout: 10_000 });
  database.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL");
  inTransaction(database, () => {
    database.exec(`${schema} PRAGMA user_version = ${fileVersions.directory};`);
    if (database.prepare("SELECT 1 FROM directory").get() !== undefined) return;
    const { id, shards } = newIdentity();
    database.prepare("INSERT INTO directory (id, floor, shards) VALUES (?, 0, ?)").run(id, shards);
  });
  const known = bigNumbers(database.prepare("SELECT * FROM mark WHERE file = ? AND fact = ?"));
  const put = database.prepare("INSERT OR REPLACE INTO mark VALUES (?, ?, ?, ?, ?)");
  const drop = database.prepare("DELETE FROM mark WHERE file = ?");
  const member = database.prepare("INSERT OR IGNORE INTO member (file) VALUES (?)");
  return {
    known: () => readKnown(database) as KnownFiles,
    addMember: (file) => void member.run(file),
    raise: (facts, atMs) =>
      inTransaction(database, () => {
        for (const [file, values] of facts)
          for (const [fact, value] of Object.entries(values)) {
            const row = known.get(file, fact);
            const before = row !== undefined && isIntact(row, markColumns) ? Number(row["value"]) : 0;
            const cells = [file, fact, Math.max(value, before), atMs] as const;
            put.run(...cells, cellsChecksum(cells));
          }
      }),
    forget: (file) => void drop.run(file),
    close: () => database.close(),
  };
}

/** Undefined where the file holds nothing yet: whoever made it died before it was of use. */
export function readMarks(dataDir: string): KnownFiles | undefined {
  const database = openToRead(pathOf(dataDir, "directory"));
  try {
    refuseOtherVersions(database);
    return readKnown(database);
  } finally {
    database.close();
  }
}

function readKnown(database: DatabaseSync): KnownFiles | undefined {
  if (database.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'directory'").get() === undefined) return undefined;
  const identity = database.prepare("SELECT * FROM directory").get();
  const [id, shards] = [String(identity?.["id"]), Number(identity?.["shards"] ?? 1)];
  const members = database
    .prepare("SELECT file FROM member")
    .all()
    .map((row) => row["file"] as FileName);
  // A mark that is damaged says nothing: it only ever keeps a start from going on, and is written anew within a second.
  const rows = bigNumbers(database.prepare("SELECT * FROM mark"))
    .all()
    .filter((row) => isIntact(row, markColumns));
  const marks = new Map(
    fileNamesOf(shards).map((name) => {
      const own = rows.filter(({ file }) => file === name);
      return [name, Object.fromEntries(own.map(({ fact, value }) => [String(fact), Number(value)]))] as const;
    }),
  );
  const markedAtMs = Math.max(0, ...rows.map((row) => Number(row["at_ms"])));
  return { id, shards, members: new Set(members), marks, markedAtMs };
}
