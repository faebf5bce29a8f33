import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import type { DamagedPlace } from "@meterbook/core/domain/damage/damage";
import { openDamageDatabase } from "../damage-log/embedded-damage-log.ts";
import { openLedgerDatabase } from "../ledger/embedded-snapshot-ledger.ts";
import { openReadingsLogDatabase } from "../readings-log/readings-log-database.ts";
import { openRegistryDatabase } from "../registry/embedded-registry.ts";
import { openRejectedDatabase } from "../rejected-log/rejected-database.ts";
import { openSeriesDatabase } from "../series/series-database.ts";
import { readProgress } from "../series/series-progress.ts";

/** In the order in which a copy is taken, so that no file of it relies on what is in none: each on those after it. */
export const fileNames = ["series", "ledger", "log", "registry", "rejected", "damage"] as const;
export type FileName = (typeof fileNames)[number];

/** What a file holds, in numbers that only ever grow (but for `first…`, which grow as the log is trimmed). */
export type Facts = Readonly<Record<string, number>>;

export interface DirectoryFile {
  readonly place: DamagedPlace;
  /** Makes the file and its tables where they are missing. */
  open(dataDir: string): DatabaseSync;
  facts(database: DatabaseSync): Facts;
  /** Those of the facts that a start compares with what was known, and what one of it is called. */
  readonly marks: Readonly<Record<string, string>>;
}

/**
 * Which files a data directory has. The id and the floor stand in each: the floor is the number from which a file goes
 * on that was made anew after a loss, so that no number of what is lost is given twice.
 */
export const directoryFiles: Readonly<Record<FileName, DirectoryFile>> = {
  log: { place: "readings-log", open: openReadingsLogDatabase, facts: logFacts, marks: { readings: "readings" } },
  series: { place: "series", open: openSeriesDatabase, facts: seriesFacts, marks: {} },
  ledger: numbered("ledger", openLedgerDatabase, "SELECT max(sequence) AS n FROM ledger", "issued snapshots"),
  registry: numbered(
    "registry",
    openRegistryDatabase,
    "SELECT position AS n FROM record ORDER BY no DESC LIMIT 1",
    "changes of master data",
  ),
  rejected: numbered(
    "rejected-log",
    openRejectedDatabase,
    "SELECT max(seq) AS n FROM sqlite_sequence",
    "refused messages",
  ),
  damage: numbered(
    "damage-log",
    openDamageDatabase,
    "SELECT (SELECT count(*) FROM damage) + (SELECT count(*) FROM acknowledgement) AS n",
    "entries about damage and words of operators about them",
  ),
};

export function pathOf(dataDir: string, name: FileName | "directory" | "jobs" | "gaps" | "groups"): string {
  return join(dataDir, `${name}.db`);
}

const identitySchema = "CREATE TABLE IF NOT EXISTS directory (id TEXT NOT NULL, floor INTEGER NOT NULL)";

/** Says to which directory the file belongs. */
export function stamp(database: DatabaseSync, id: string, floor = 0): void {
  database.exec("PRAGMA synchronous = FULL");
  database.exec(identitySchema);
  database.exec("DELETE FROM directory");
  database.prepare("INSERT INTO directory (id, floor) VALUES (?, ?)").run(id, floor);
}

export function identityOf(database: DatabaseSync): { id: string; floor: number } | undefined {
  if (database.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'directory'").get() === undefined) return undefined;
  const row = database.prepare("SELECT id, floor FROM directory").get();
  return row === undefined ? undefined : { id: String(row["id"]), floor: Number(row["floor"]) };
}

export function openToRead(path: string): DatabaseSync {
  return new DatabaseSync(path, { readOnly: true, timeout: 10_000 });
}

/** A file whose records are numbered without gaps: `sql` gives the last number as `n`. */
function numbered(place: DamagedPlace, open: DirectoryFile["open"], sql: string, words: string): DirectoryFile {
  return {
    place,
    open,
    facts(database) {
      const count = Number(database.prepare(sql).get()?.["n"] ?? 0);
      return { count: Math.max(count, identityOf(database)?.floor ?? 0) };
    },
    marks: { count: words },
  };
}

/**
 * `first`: the oldest frame that is kept; `firstReadings`: how many readings all kept and forgotten ones up to it hold.
 */
function logFacts(database: DatabaseSync): Facts {
  const edge = (order: "ASC" | "DESC") =>
    database.prepare(`SELECT position, readings_total FROM frame ORDER BY position ${order} LIMIT 1`).get();
  const [first, last] = [edge("ASC"), edge("DESC")];
  return {
    end: last === undefined ? 0 : Number(last["position"]) + 1,
    readings: Number(last?.["readings_total"] ?? 0),
    first: Number(first?.["position"] ?? 0),
    firstReadings: Number(first?.["readings_total"] ?? 0),
  };
}

function seriesFacts(database: DatabaseSync): Facts {
  const { position, counts } = readProgress(database, () => undefined)();
  return { position, readings: counts.stored + counts.duplicates + counts.conflicts };
}
