import { DatabaseSync } from "node:sqlite";
import { setImmediate as nextTurn } from "node:timers/promises";
import type { MeterIdsPage } from "@meterbook/core/ports/series-store";
import { inTransaction } from "../file/in-transaction.ts";
import { idBounds } from "./merged-ids.ts";

export interface MeterIdTable {
  /** Not all at once: others get their turn between. */
  put(meterIds: readonly string[]): Promise<void>;
  page(page: MeterIdsPage): readonly string[];
  /** Again does nothing. */
  close(): void;
}

/** Some milliseconds of work; then others get their turn. */
const idsPerTurn = 2000;

/** Ids in order, in a temporary file that ends with the process: millions of them need little memory. */
export function meterIdTable(): MeterIdTable {
  const database = new DatabaseSync("");
  database.exec("CREATE TABLE meter (meter_id TEXT PRIMARY KEY) WITHOUT ROWID");
  const put = database.prepare("INSERT OR IGNORE INTO meter VALUES (?)");
  const select = database.prepare(
    "SELECT meter_id FROM meter WHERE meter_id >= ? AND meter_id < ? ORDER BY meter_id LIMIT ?",
  );
  return {
    async put(meterIds) {
      for (let first = 0; first < meterIds.length; first += idsPerTurn) {
        if (first > 0) await nextTurn();
        inTransaction(database, () => {
          for (const meterId of meterIds.slice(first, first + idsPerTurn)) put.run(meterId);
        });
      }
    },
    page({ afterMeterId, prefix, limit }) {
      const { from, before } = idBounds(afterMeterId, prefix);
      return select.all(from, before, limit).map((row) => String(row["meter_id"]));
    },
    close() {
      if (database.isOpen) database.close();
    },
  };
}
