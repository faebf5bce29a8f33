import { rmSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { makeDirectory } from "./make-directory.ts";

/** What a topic says, in a SQLite file: it may be deleted at any time and is then built again from the topic. */
export interface ViewDatabase {
  readonly database: DatabaseSync;
  /** Offset of the first record that is not taken in yet. */
  position(partition: number): number;
  /** Runs `work` and moves the position to `next`, both or neither. */
  advance(partition: number, next: number, work: () => void): void;
  close(): void;
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
  /** Which topic of which cluster it shows; a file that shows another is built again. */
  readonly source: string;
  /** The offset after the newest record of each partition: a file that is ahead of them shows a topic that is no more. */
  readonly ends: ReadonlyMap<number, number>;
}

const placeSchema = `
  CREATE TABLE IF NOT EXISTS place (partition INTEGER PRIMARY KEY, next INTEGER NOT NULL);
  CREATE TABLE IF NOT EXISTS origin (version INTEGER NOT NULL, source TEXT NOT NULL);
`;

/** Opens the view where it left off, or empty where what is there shows something else. One process at a time has it. */
export function openViewDatabase(options: ViewDatabaseOptions): ViewDatabase {
  const inMemory = options.dataDir === "memory";
  if (!inMemory) makeDirectory(options.dataDir);
  const file = inMemory ? ":memory:" : viewFile(options);
  let database = open(file, options);
  if (!isOf(database, options)) {
    database.close();
    for (const suffix of ["", "-wal", "-shm"]) rmSync(file + suffix, { force: true });
    database = open(file, options);
  }
  const places = readPlaces(database);
  const move = database.prepare(
    "INSERT INTO place (partition, next) VALUES (?, ?) ON CONFLICT (partition) DO UPDATE SET next = excluded.next",
  );
  return {
    database,
    position: (partition) => places.get(partition) ?? 0,
    advance(partition, next, work) {
      database.exec("BEGIN IMMEDIATE");
      try {
        work();
        move.run(partition, next);
        database.exec("COMMIT");
      } catch (error) {
        if (database.isTransaction) database.exec("ROLLBACK");
        throw error;
      }
      places.set(partition, next);
    },
    close: () => database.close(),
  };
}

/** Where readers of this process or another open it read-only. */
export function viewFile({ dataDir, name }: Pick<ViewDatabaseOptions, "dataDir" | "name">): string {
  return join(dataDir, `${name}.view.db`);
}

function open(file: string, { schema, version, source }: ViewDatabaseOptions): DatabaseSync {
  const database = new DatabaseSync(file, { timeout: 10_000 });
  // What a power cut takes is read from the topic again.
  database.exec(
    "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA cache_size = -65536; PRAGMA wal_autocheckpoint = 8000",
  );
  database.exec(placeSchema);
  if (database.prepare("SELECT 1 FROM origin").get() === undefined) {
    database.exec(schema);
    database.prepare("INSERT INTO origin (version, source) VALUES (?, ?)").run(version, source);
  }
  return database;
}

function isOf(database: DatabaseSync, { version, source, ends }: ViewDatabaseOptions): boolean {
  const origin = database.prepare("SELECT version, source FROM origin").get();
  if (origin?.["version"] !== version || origin["source"] !== source) return false;
  return [...readPlaces(database)].every(([partition, next]) => next <= (ends.get(partition) ?? 0));
}

function readPlaces(database: DatabaseSync): Map<number, number> {
  const rows = database.prepare("SELECT partition, next FROM place").all();
  return new Map(rows.map((row) => [Number(row["partition"]), Number(row["next"])]));
}
