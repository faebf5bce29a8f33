import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { refusedMessages } from "@meterbook/core/ports/refused-message";
import type { RejectedLog } from "@meterbook/core/ports/rejected-log";
import { keepRetention, type RejectedRetention, rejectionForgetting } from "../views/rejection-retention.ts";
import { entryNumber, rejectionReads, rejectionSchema, rejectionWrites } from "../views/rejection-table.ts";
import { appendError } from "./append-error.ts";

const schema = `
  ${rejectionSchema}
  PRAGMA user_version = 3;
`;

export function openRejectedDatabase(dataDir: string): DatabaseSync {
  const database = new DatabaseSync(join(dataDir, "rejected.db"), { timeout: 10_000 });
  database.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL");
  database.exec(schema);
  return database;
}

/** How full it is, for those who write to it. */
export interface EmbeddedRejectedLog extends RejectedLog {
  /** Bytes by sender. */
  shares(): ReadonlyMap<string, number>;
}

export interface EmbeddedRejectedLogOptions {
  readonly dataDir: string;
  /** Of one of the threads that have it open. */
  readonly retention?: RejectedRetention;
}

/** The rejected log in `<dataDir>/rejected.db`; any number of threads may append and read. */
export function openEmbeddedRejectedLog(options: EmbeddedRejectedLogOptions): EmbeddedRejectedLog {
  const database = openRejectedDatabase(options.dataDir);
  const writes = rejectionWrites(database);

  function inTransaction<Answer>(work: () => Answer): Answer {
    try {
      database.exec("BEGIN IMMEDIATE");
      const answer = work();
      database.exec("COMMIT");
      return answer;
    } catch (cause) {
      if (database.isTransaction) database.exec("ROLLBACK");
      throw appendError(cause);
    }
  }

  const forget = rejectionForgetting(database);
  const retention =
    options.retention === undefined
      ? undefined
      : keepRetention(options.retention, (beforeMs) => inTransaction(() => forget(beforeMs)));

  return {
    ...rejectionReads(database),
    shares() {
      const rows = database.prepare("SELECT sender, SUM(bytes) AS bytes FROM refused_message GROUP BY sender").all();
      return new Map(rows.map(({ sender, bytes }) => [String(sender ?? ""), Number(bytes)]));
    },
    append: async (rejections) =>
      inTransaction(() => refusedMessages(rejections).forEach((one) => writes.add(one, null))),
    markReplayed: async (id, atMs) => inTransaction(() => writes.markReplayed(entryNumber(id), atMs)),
    async close() {
      retention?.close();
      database.close();
    },
  };
}
