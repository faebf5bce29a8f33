import type { DatabaseSync } from "node:sqlite";
import type { DamageLog } from "@meterbook/core/ports/damage-log";
import { damageReads, damageSchema, damageWrites } from "../../sqlite-views/damage-log/damage-table.ts";
import { durableTransactions, openDurableDatabase } from "../database/durable-database.ts";

export function openDamageDatabase(dataDir: string): DatabaseSync {
  return openDurableDatabase(dataDir, "damage", damageSchema);
}

/** The damage log in `<dataDir>/damage.db`; any number of threads may report, acknowledge and read. */
export function openEmbeddedDamageLog({ dataDir }: { readonly dataDir: string }): DamageLog {
  const database = openDamageDatabase(dataDir);
  const inTransaction = durableTransactions(database);
  const writes = damageWrites(database);
  inTransaction(writes.recount);
  return {
    ...damageReads(database),
    report: async (damages) => inTransaction(() => damages.forEach((damage) => writes.add(damage))),
    acknowledge: async (id, word) => inTransaction(() => writes.acknowledge(id, word)),
    askRepair: async (id, order) => inTransaction(() => writes.askRepair(id, order)),
    mend: async (id, mending) => inTransaction(() => writes.mend(id, mending)),
    close: async () => database.close(),
  };
}
