import type { DatabaseSync } from "node:sqlite";

/** How far each writer of a topic is: a few dozen bytes for every start of a process. */
export const writersSchema = `
  CREATE TABLE IF NOT EXISTS writer (id BLOB PRIMARY KEY, number INTEGER NOT NULL) WITHOUT ROWID;
`;

/**
 * Whether an entry is its writer's next one, and not one before that was written again. Remembers it, inside the
 * caller's transaction.
 */
export function knownWriters(database: DatabaseSync): (writer: Uint8Array, number: number) => boolean {
  const advance = database.prepare(
    "INSERT INTO writer (id, number) VALUES (?, ?) ON CONFLICT (id) DO UPDATE SET number = excluded.number WHERE excluded.number > number",
  );
  return (writer, number) => advance.run(writer, number).changes > 0;
}
