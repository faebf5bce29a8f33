import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { openLedgerDatabase } from "./embedded-snapshot-ledger.ts";
import { openSeriesDatabase } from "./series-database.ts";

/** Makes the files that readers open read-only, so that the threads of a process may start in any order. */
export function prepareDataDirectory(dataDir: string): void {
  openSeriesDatabase(dataDir).close();
  openLedgerDatabase(dataDir).close();
}

/**
 * Takes the data directory for this process: two at a time would both number meters and issue revisions. The lock is
 * the operating system's, on `<dataDir>/lock.db`, so it goes with the process however that ends.
 *
 * @throws an Error that names the directory where another process has it.
 */
export function lockDataDirectory(dataDir: string): { close(): void } {
  const lock = new DatabaseSync(join(dataDir, "lock.db"), { timeout: 0 });
  try {
    lock.exec("PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE");
  } catch (cause) {
    lock.close();
    throw new Error(`another process works on the data directory ${dataDir} (METERBOOK_DATA_DIR)`, { cause });
  }
  return { close: () => lock.close() };
}
