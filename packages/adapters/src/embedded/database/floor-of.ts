import type { DatabaseSync } from "node:sqlite";

/**
 * The number that was known to be given when a file was lost (directory-files.ts): whoever follows must not pass over
 * any, and none may mean two things. 0 where nothing was.
 */
export function floorOf(database: DatabaseSync): number {
  if (database.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'directory'").get() === undefined) return 0;
  return Number(database.prepare("SELECT floor FROM directory").get()?.["floor"] ?? 0);
}
