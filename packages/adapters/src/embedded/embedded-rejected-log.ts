import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { refusedMessages } from "@meterbook/core/ports/refused-message";
import type { RejectedLog } from "@meterbook/core/ports/rejected-log";
import { entryNumber, rejectionReads, rejectionSchema, rejectionWrites } from "../views/rejection-table.ts";
import { appendError } from "./append-error.ts";

const schema = `
  ${rejectionSchema}
  PRAGMA user_version = 2;
`;

export function openRejectedDatabase(dataDir: string): DatabaseSync {
  const database = new DatabaseSync(join(dataDir, "rejected.db"), { timeout: 10_000 });
  database.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL");
  database.exec(schema);
  return database;
}

/** The rejected log in `<dataDir>/rejected.db`; any number of threads may append and read. */
export function openEmbeddedRejectedLog(options: { dataDir: string }): RejectedLog {
  const database = openRejectedDatabase(options.dataDir);
  const writes = rejectionWrites(database);

  function inTransaction(work: () => void): void {
    try {
      database.exec("BEGIN IMMEDIATE");
      work();
      database.exec("COMMIT");
    } catch (cause) {
      if (database.isTransaction) database.exec("ROLLBACK");
      throw appendError(cause);
    }
  }

  return {
    ...rejectionReads(database),
    append: async (rejections) =>
      inTransaction(() => refusedMessages(rejections).forEach((one) => writes.add(one, null))),
    markReplayed: async (id, atMs) => inTransaction(() => writes.markReplayed(entryNumber(id), atMs)),
    close: async () => database.close(),
  };
}
