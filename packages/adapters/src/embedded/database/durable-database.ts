import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { inTransaction } from "../../sqlite-views/file/in-transaction.ts";
import { appendError } from "./append-error.ts";
import { type fileVersions, makeTables } from "./file-version.ts";
import { openedFile } from "./opened-file.ts";

type DurableFile = Exclude<keyof typeof fileVersions, "series" | "ledger" | "log" | "directory">;

/**
 * Opens `<dataDir>/<name>.db`. A transaction is on disk when it has ended. Any number of threads may have the file
 * open.
 */
export function openDurableDatabase(dataDir: string, name: DurableFile, schema: string): DatabaseSync {
  const database = new DatabaseSync(join(dataDir, `${name}.db`), { timeout: 10_000 });
  database.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL");
  makeTables(database, name, schema);
  return database;
}

/**
 * Runs work as a transaction. What fails has not happened, and is an `appendError`; so is what was written to a file
 * that nobody finds any more.
 */
export function durableTransactions(database: DatabaseSync): <Answer>(work: () => Answer) => Answer {
  const file = openedFile(String(database.location()));
  return (work) => {
    try {
      file.check();
      const answer = inTransaction(database, work);
      file.check();
      return answer;
    } catch (cause) {
      throw appendError(cause, database.location());
    }
  };
}
