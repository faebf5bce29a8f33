import { DatabaseSync } from "node:sqlite";
import type { MeterIdsPage } from "@meterbook/core/ports/series-store";
import { inTransaction } from "../file/in-transaction.ts";
import { endOfPrefix } from "./merged-ids.ts";

export interface MeterIdTable {
  put(meterIds: readonly string[]): void;
  page(page: MeterIdsPage): readonly string[];
  /** Again does nothing. */
  close(): void;
}

/** Ids in order, in a temporary file that ends with the process: millions of them need little memory. */
export function meterIdTable(): MeterIdTable {
  const database = new DatabaseSync("");
  database.exec("CREATE TABLE meter (meter_id TEXT PRIMARY KEY) WITHOUT ROWID");
  const put = database.prepare("INSERT OR IGNORE INTO meter VALUES (?)");
  const select = database.prepare(
    "SELECT meter_id FROM meter WHERE meter_id > ?1 AND meter_id >= ?2 AND meter_id < ?3 ORDER BY meter_id LIMIT ?4",
  );
  return {
    put(meterIds) {
      inTransaction(database, () => {
        for (const meterId of meterIds) put.run(meterId);
      });
    },
    page: ({ afterMeterId = "", prefix = "", limit }) =>
      select.all(afterMeterId, prefix, endOfPrefix(prefix), limit).map((row) => String(row["meter_id"])),
    close() {
      if (database.isOpen) database.close();
    },
  };
}
