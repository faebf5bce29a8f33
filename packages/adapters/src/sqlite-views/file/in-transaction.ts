import type { DatabaseSync } from "node:sqlite";

/** Runs work that writes as one transaction: where it throws, nothing of it has happened. */
export function inTransaction<Answer>(database: DatabaseSync, work: () => Answer): Answer {
  database.exec("BEGIN IMMEDIATE");
  try {
    const answer = work();
    database.exec("COMMIT");
    return answer;
  } catch (error) {
    // What fails may have ended it already, as a full disk does.
    if (database.isTransaction) database.exec("ROLLBACK");
    throw error;
  }
}
