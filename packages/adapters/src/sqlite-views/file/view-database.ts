import { renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { inTransaction } from "./in-transaction.ts";
import { makeDirectory } from "./make-directory.ts";

/** What a topic says, in a SQLite file: it may be deleted at any time and is then built again from the topic. */
export interface ViewDatabase {
  readonly database: DatabaseSync;
  /** Offset of the first record that is not taken in yet. */
  position(partition: number): number;
  /** Grows with everything that is taken in. */
  progress(): number;
  /** The last record that was taken in; a topic that has another one there is not the topic that is shown. */
  last(partition: number): TakenRecord | undefined;
  /** Runs `work` and moves the position to `next`, both or neither. */
  advance(partition: number, next: number, work: () => void, last?: TakenRecord): void;
  close(): void;
}

export interface TakenRecord {
  readonly offset: number;
  readonly crc: number;
}

export interface ViewDatabaseOptions {
  /** Made where it is missing. `memory`: in no file, and built again at each start. */
  readonly dataDir: string | "memory";
  /** The file is `<name>.view.db`. */
  readonly name: string;
  /** `CREATE … IF NOT EXISTS` statements. */
  readonly schema: string;
  /** Grows with every change of the schema or of what is made of a record; a file of another version is built again. */
  readonly version: number;
  /** What of it may stay in memory. */
  readonly cacheKibibytes?: number | undefined;
  /** Which topic of which cluster it shows; a file that shows another is built again. */
  readonly source: string;
  /** The offset after the newest record of each partition. If a file is ahead of it, the topic was put back. */
  readonly ends: ReadonlyMap<number, number>;
  /** The file is known to show a topic that was put back since. */
  readonly wasPutBack?: boolean;
}

const placeSchema = `
  CREATE TABLE IF NOT EXISTS place (partition INTEGER PRIMARY KEY, next INTEGER NOT NULL, last_offset INTEGER, last_crc INTEGER);
  CREATE TABLE IF NOT EXISTS origin (version INTEGER NOT NULL, source TEXT NOT NULL);
`;

/**
 * Opens the view where it left off, or empty where what is there shows something else. One process at a time has it.
 */
export function openViewDatabase(options: ViewDatabaseOptions): ViewDatabase {
  const inMemory = options.dataDir === "memory";
  if (!inMemory) makeDirectory(options.dataDir);
  const file = inMemory ? ":memory:" : viewFile(options);
  let database = open(file, options);
  const found = judge(database, options);
  if (found !== "goes on") {
    database.close();
    if (found === "was put back" && !inMemory) renameSync(file, beforeFile(options));
    for (const suffix of ["", "-wal", "-shm"]) rmSync(file + suffix, { force: true });
    database = open(file, options);
  }
  const places = readPlaces(database);
  const move = database.prepare(`INSERT INTO place (partition, next, last_offset, last_crc) VALUES (?, ?, ?, ?)
    ON CONFLICT (partition) DO UPDATE SET next = excluded.next, last_offset = excluded.last_offset, last_crc = excluded.last_crc`);
  return {
    database,
    position: (partition) => places.get(partition)?.next ?? 0,
    progress: () => [...places.values()].reduce((sum, { next }) => sum + next, 0),
    last: (partition) => places.get(partition)?.last,
    advance(partition, next, work, last = places.get(partition)?.last) {
      inTransaction(database, () => {
        work();
        move.run(partition, next, last?.offset ?? null, last?.crc ?? null);
      });
      places.set(partition, { next, last });
    },
    close: () => database.close(),
  };
}

/** Where readers of this process or another open it read-only. */
export function viewFile({ dataDir, name }: Pick<ViewDatabaseOptions, "dataDir" | "name">): string {
  return join(dataDir, `${name}.view.db`);
}

/** What the view showed before its topic was put back, until it has been compared. */
export function beforeFile(options: Pick<ViewDatabaseOptions, "dataDir" | "name">): string {
  return `${viewFile(options)}.before`;
}

function open(file: string, { schema, version, source, cacheKibibytes = 65_536 }: ViewDatabaseOptions): DatabaseSync {
  const database = new DatabaseSync(file, { timeout: 10_000 });
  // What a power cut takes is read from the topic again.
  database.exec(
    `PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA cache_size = -${cacheKibibytes}; PRAGMA wal_autocheckpoint = 8000`,
  );
  database.exec(placeSchema);
  if (database.prepare("SELECT 1 FROM origin").get() === undefined) {
    database.exec(schema);
    database.prepare("INSERT INTO origin (version, source) VALUES (?, ?)").run(layoutOf(version), source);
  }
  return database;
}

/** Of the tables here and of the view's own. */
function layoutOf(version: number): number {
  return 10 * version + 2;
}

function judge(
  database: DatabaseSync,
  { version, source, ends, wasPutBack = false }: ViewDatabaseOptions,
): "goes on" | "is another" | "was put back" {
  const origin = database.prepare("SELECT version, source FROM origin").get();
  if (origin?.["version"] !== layoutOf(version) || origin["source"] !== source) return "is another";
  const isAhead = [...readPlaces(database)].some(([partition, { next }]) => next > (ends.get(partition) ?? 0));
  return isAhead || wasPutBack ? "was put back" : "goes on";
}

interface Place {
  readonly next: number;
  readonly last: TakenRecord | undefined;
}

function readPlaces(database: DatabaseSync): Map<number, Place> {
  const rows = database.prepare("SELECT partition, next, last_offset, last_crc FROM place").all();
  return new Map(
    rows.map((row) => {
      const [offset, crc] = [row["last_offset"], row["last_crc"]];
      const last = offset === null ? undefined : { offset: Number(offset), crc: Number(crc) };
      return [Number(row["partition"]), { next: Number(row["next"]), last }];
    }),
  );
}
