import { DatabaseSync } from "node:sqlite";

/** Bytes of the pages of a SQLite file, those in its log included. */
export function databaseBytes(file: string): number {
  const database = new DatabaseSync(file, { readOnly: true });
  const read = (pragma: string) => Number(Object.values(database.prepare(`PRAGMA ${pragma}`).get() ?? {})[0]);
  const bytes = read("page_count") * read("page_size");
  database.close();
  return bytes;
}
