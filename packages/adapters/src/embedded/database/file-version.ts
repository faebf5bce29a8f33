import { basename } from "node:path";
import type { DatabaseSync } from "node:sqlite";
import { AdapterError } from "@meterbook/core/ports/adapter-error";

/**
 * The version of each file's tables, as its `user_version` has it. It grows with every change of them: a file of
 * another version is refused, because what it lacks would be missing without a word.
 */
export const fileVersions = {
  series: 8,
  ledger: 7,
  log: 3,
  registry: 6,
  rejected: 5,
  damage: 3,
  audit: 1,
  directory: 3,
  billing: 1,
  jobs: 2,
  gaps: 1,
  groups: 1,
} as const;

type VersionedFile = keyof typeof fileVersions;

/** @throws an AdapterError that names the file and what can be done where it is of another version */
export function refuseOtherVersions(database: DatabaseSync): void {
  const path = String(database.location());
  const own = fileVersions[basename(path, ".db") as VersionedFile];
  const version = Number(database.prepare("PRAGMA user_version").get()?.["user_version"]);
  // What a crash left of a file that was being made says none yet.
  if (version === 0 || version === own) return;
  const other = version < own ? "an earlier" : "a later";
  const detail =
    `${path} (METERBOOK_DATA_DIR) was made by ${other} version of Meterbook: it is of format ${version}, and this ` +
    `version has format ${own}. Nothing was changed. Start the version that made it, or set METERBOOK_DATA_DIR to a new ` +
    "directory (docs/running.md)";
  throw new AdapterError("directory_unfit", { retryable: false, detail });
}

/** Makes the tables that are missing. `schema`: `CREATE … IF NOT EXISTS` statements. */
export function makeTables(database: DatabaseSync, file: VersionedFile, schema: string): void {
  try {
    refuseOtherVersions(database);
  } catch (error) {
    database.close();
    throw error;
  }
  database.exec(`${schema} PRAGMA user_version = ${fileVersions[file]};`);
}
