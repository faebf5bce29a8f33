import type { DatabaseSync } from "node:sqlite";
import type { DamageEars } from "@meterbook/core/ports/damage-log";
import { refusedMessages } from "@meterbook/core/ports/refused-message";
import type { RejectedLog } from "@meterbook/core/ports/rejected-log";
import { rejectionEars } from "../views/rejection-damage.ts";
import { keepRetention, type RejectedRetention, rejectionForgetting } from "../views/rejection-retention.ts";
import { entryNumber, rejectionReads, rejectionSchema, rejectionWrites } from "../views/rejection-table.ts";
import { durableTransactions, openDurableDatabase } from "./durable-database.ts";

export function openRejectedDatabase(dataDir: string): DatabaseSync {
  return openDurableDatabase(dataDir, "rejected", `${rejectionSchema} PRAGMA user_version = 4;`);
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
  /** Told of what cannot be read. */
  readonly ears?: DamageEars;
}

/** The rejected log in `<dataDir>/rejected.db`; any number of threads may append and read. */
export function openEmbeddedRejectedLog(options: EmbeddedRejectedLogOptions): EmbeddedRejectedLog {
  const database = openRejectedDatabase(options.dataDir);
  const ears = rejectionEars((place) => `message ${place}`, options.ears);
  const writes = rejectionWrites(database, ears);
  const inTransaction = durableTransactions(database);
  const forget = rejectionForgetting(database);
  const retention =
    options.retention === undefined
      ? undefined
      : keepRetention(options.retention, (beforeMs) => inTransaction(() => forget(beforeMs)));

  return {
    ...rejectionReads(database, ears),
    shares() {
      // Not `SUM`, which throws where a damaged number is too large.
      const rows = database.prepare("SELECT sender, TOTAL(bytes) AS bytes FROM refused_message GROUP BY sender").all();
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
