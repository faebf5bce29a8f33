import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import type { DamagedPlace } from "@meterbook/core/domain/damage";
import type { Progress } from "@meterbook/core/ports/series-store";
import { openDamageDatabase } from "./embedded-damage-log.ts";
import { openRegistryDatabase } from "./embedded-registry.ts";
import { openRejectedDatabase } from "./embedded-rejected-log.ts";
import { openLedgerDatabase } from "./embedded-snapshot-ledger.ts";
import { openReadingsLogDatabase } from "./readings-log-database.ts";
import { openSeriesDatabase } from "./series-database.ts";

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
 * Which files a data directory has. The id and the floor stand in each: the floor is the number from which a file goes on
 * that was made anew after a loss, so that no number of what is lost is given twice.
 */
export const directoryFiles: Readonly<Record<FileName, DirectoryFile>> = {
  log: { place: "readings-log", open: openReadingsLogDatabase, facts: logFacts, marks: { readings: "readings" } },
  series: { place: "series", open: openSeriesDatabase, facts: seriesFacts, marks: {} },
  ledger: {
    place: "ledger",
    open: openLedgerDatabase,
    facts: (database) => highest(database, "SELECT max(sequence) AS n FROM ledger"),
    marks: { count: "issued snapshots" },
  },
  registry: {
    place: "registry",
    open: openRegistryDatabase,
    facts: (database) => highest(database, "SELECT max(position) AS n FROM record"),
    marks: { count: "changes of master data" },
  },
  rejected: {
    place: "rejected-log",
    open: openRejectedDatabase,
    facts: (database) => highest(database, "SELECT max(seq) AS n FROM sqlite_sequence"),
    marks: { count: "refused messages" },
  },
  damage: {
    place: "damage-log",
    open: openDamageDatabase,
    facts: (database) =>
      highest(database, "SELECT (SELECT count(*) FROM damage) + (SELECT count(*) FROM acknowledgement) AS n"),
    marks: { count: "entries about damage and words of operators about them" },
  },
};

export function pathOf(dataDir: string, name: FileName | "directory"): string {
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

function highest(database: DatabaseSync, sql: string): Facts {
  const counted = Number(database.prepare(sql).get()?.["n"] ?? 0);
  return { count: Math.max(counted, identityOf(database)?.floor ?? 0) };
}

/** `first`: the oldest frame that is kept; `firstReadings`: how many readings all kept and forgotten ones up to it hold. */
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
  const row = database.prepare("SELECT body FROM progress WHERE partition = 0").get();
  if (row === undefined) return { position: 0, readings: 0 };
  const { position, counts } = JSON.parse(String(row["body"])) as Progress;
  return { position, readings: counts.stored + counts.duplicates + counts.conflicts };
}
