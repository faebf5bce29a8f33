import { AdapterError } from "@meterbook/core/ports/adapter-error";
import { tryLock } from "../views/own-directory.ts";
import { openLedgerDatabase } from "./embedded-snapshot-ledger.ts";
import { openSeriesDatabase } from "./series-database.ts";

/** Makes the files that readers open read-only, so that the threads of a process may start in any order. */
export function prepareDataDirectory(dataDir: string): void {
  openSeriesDatabase(dataDir).close();
  openLedgerDatabase(dataDir).close();
}

/**
 * Takes the data directory for this process: two at a time would both number meters and issue revisions.
 *
 * @throws an Error that names the directory where another process has it.
 */
export function lockDataDirectory(dataDir: string): { close(): void } {
  const lock = tryLock(dataDir);
  if (lock === undefined) {
    const detail = `another process works on the data directory ${dataDir} (METERBOOK_DATA_DIR)`;
    throw new AdapterError("store_write_failed", { retryable: false, detail });
  }
  return lock;
}
