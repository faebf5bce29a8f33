import { basename, dirname, join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import type { DamagedPlace } from "@meterbook/core/domain/damage/damage";
import { rowOf } from "../../sqlite-views/ledger/ledger-row.ts";
import { openAuditDatabase } from "../audit-log/audit-database.ts";
import { openDamageDatabase } from "../damage-log/embedded-damage-log.ts";
import { shardCounts } from "../database/shard-directory.ts";
import { openLedgerDatabase } from "../ledger/embedded-snapshot-ledger.ts";
import { frameKeys, placeOfFrame } from "../readings-log/frame-key.ts";
import { openReadingsLogDatabase } from "../readings-log/readings-log-database.ts";
import { openRegistryDatabase } from "../registry/embedded-registry.ts";
import { openRejectedDatabase } from "../rejected-log/rejected-database.ts";
import { openSeriesDatabase } from "../series/series-database.ts";
import { readProgress } from "../series/series-progress.ts";

/** In the order in which a copy is taken, so that no file of it relies on what is in none: each on those after it. */
export const fileKinds = ["series", "ledger", "log", "registry", "rejected", "damage", "audit"] as const;
export type FileKind = (typeof fileKinds)[number];

/** Of these each shard has its own. */
const shardedKinds = ["series", "ledger"] as const;

/** A file by its path in the data directory, without `.db`. */
export type FileName = FileKind | `shard-${number}/${(typeof shardedKinds)[number]}`;

/** All files of a directory, in the order of their kinds. */
export function fileNamesOf(shards: number): readonly FileName[] {
  return fileKinds.flatMap((kind): FileName[] => {
    const sharded = shardedKinds.find((one) => one === kind);
    return sharded === undefined ? [kind] : shardsOf(shards).map((shard) => fileOfShard(sharded, shard));
  });
}

/** Their numbers. */
export function shardsOf(shards: number): number[] {
  return Array.from({ length: shards }, (_, shard) => shard);
}

/** Undefined where no data directory has a file of that name. */
export function fileNameOf(text: string): FileName | undefined {
  return fileNamesOf(shardCounts.at(-1) ?? 1).find((name) => name === text);
}

export function kindOf(name: FileName): FileKind {
  return basename(name) as FileKind;
}

/** 0 also where a file is not of one shard. */
export function shardOf(name: FileName): number {
  return Number(/^shard-(\d+)/.exec(name)?.[1] ?? 0);
}

/** The file of a kind that is a shard's. */
export function fileOfShard(kind: (typeof shardedKinds)[number], shard: number): FileName {
  return shard === 0 ? kind : `shard-${shard}/${kind}`;
}

/** What a file holds, in numbers that only ever grow (but for `first…`, which grow as the log is trimmed). */
export type Facts = Readonly<Record<string, number>>;

interface DirectoryFile {
  readonly place: DamagedPlace;
  /** Makes the file and its tables in a directory where they are missing. */
  open(directory: string): DatabaseSync;
  facts(database: DatabaseSync, shard: number): Facts;
  /** Those of the facts that a start compares with what was known, and what one of it is called. */
  readonly marks: Readonly<Record<string, string>>;
}

/**
 * Which kinds of files a data directory has. The id and the floor stand in each: the floor is the number from which a
 * file goes on that was made anew after a loss, so that no number of what is lost is given twice.
 */
export const directoryFiles: Readonly<Record<FileKind, DirectoryFile>> = {
  log: { place: "readings-log", open: openReadingsLogDatabase, facts: logFacts, marks: { readings: "readings" } },
  series: { place: "series", open: openSeriesDatabase, facts: seriesFacts, marks: {} },
  // The key of a row holds the shard too.
  ledger: numbered(
    "ledger",
    openLedgerDatabase,
    `SELECT max(sequence) % ${rowOf({ shard: 1, sequence: 0 })} AS n FROM ledger`,
    "issued snapshots",
  ),
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
  // Old ones are forgotten, and the newest never is.
  audit: numbered("audit-log", openAuditDatabase, "SELECT max(id) AS n FROM personal_read", "reads of people's data"),
};

export function openFile(dataDir: string, name: FileName): DatabaseSync {
  return directoryFiles[kindOf(name)].open(dirname(pathOf(dataDir, name)));
}

export function factsOfFile(name: FileName, database: DatabaseSync): Facts {
  return directoryFiles[kindOf(name)].facts(database, shardOf(name));
}

export function pathOf(dataDir: string, name: FileName | "directory" | "jobs" | "gaps" | "groups" | "billing"): string {
  return join(dataDir, `${name}.db`);
}

const identitySchema =
  "CREATE TABLE IF NOT EXISTS directory (id TEXT NOT NULL, floor INTEGER NOT NULL, shards INTEGER NOT NULL)";

/** To which directory a file belongs. */
export interface DirectoryIdentity {
  readonly id: string;
  /** How many shards it was made with. */
  readonly shards: number;
}

export function stamp(database: DatabaseSync, { id, shards }: DirectoryIdentity, floor = 0): void {
  database.exec("PRAGMA synchronous = FULL");
  database.exec(identitySchema);
  database.exec("DELETE FROM directory");
  database.prepare("INSERT INTO directory (id, floor, shards) VALUES (?, ?, ?)").run(id, floor, shards);
}

export function identityOf(database: DatabaseSync): (DirectoryIdentity & { readonly floor: number }) | undefined {
  if (database.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'directory'").get() === undefined) return undefined;
  const row = database.prepare("SELECT * FROM directory").get();
  if (row === undefined) return undefined;
  return { id: String(row["id"]), floor: Number(row["floor"]), shards: Number(row["shards"] ?? 1) };
}

export function openToRead(path: string): DatabaseSync {
  return new DatabaseSync(path, { readOnly: true, timeout: 10_000 });
}

/** A file whose records are numbered one after another: `sql` gives the last number as `n`. */
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

/** The name of a fact of a shard, in a file that holds several. */
export function factOf(fact: string, shard: number): string {
  return shard === 0 ? fact : `${fact}-${shard}`;
}

/**
 * `first`: the oldest frame that is kept; `firstReadings`: how many readings all kept and forgotten ones up to it hold.
 * Of each shard that ever had a frame, and of the first.
 */
function logFacts(database: DatabaseSync): Facts {
  const newest = database.prepare(
    "SELECT position, readings_total FROM frame WHERE position < ? ORDER BY position DESC LIMIT 1",
  );
  const oldest = database.prepare(
    "SELECT position, readings_total FROM frame WHERE position >= ? ORDER BY position LIMIT 1",
  );
  const facts: Record<string, number> = { end: 0, readings: 0, first: 0, firstReadings: 0 };
  for (let before = Number.MAX_SAFE_INTEGER; ; ) {
    const last = newest.get(before);
    if (last === undefined) return facts;
    const { partition: shard, offset } = placeOfFrame(Number(last["position"]));
    before = frameKeys(shard).first;
    const first = oldest.get(before);
    facts[factOf("end", shard)] = offset + 1;
    facts[factOf("readings", shard)] = Number(last["readings_total"]);
    facts[factOf("first", shard)] = Number(first?.["position"] ?? before) - before;
    facts[factOf("firstReadings", shard)] = Number(first?.["readings_total"] ?? 0);
  }
}

function seriesFacts(database: DatabaseSync, shard: number): Facts {
  const { position, counts } = readProgress(database, () => undefined, shard)();
  return { position, readings: counts.stored + counts.duplicates + counts.conflicts };
}
