import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import type { DamageLog } from "@meterbook/core/ports/damage-log";
import { damageReads, damageSchema, damageWrites } from "../views/damage-table.ts";
import { appendError } from "./append-error.ts";

export function openDamageDatabase(dataDir: string): DatabaseSync {
  const database = new DatabaseSync(join(dataDir, "damage.db"), { timeout: 10_000 });
  database.exec(`PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; ${damageSchema} PRAGMA user_version = 2;`);
  return database;
}

/** The damage log in `<dataDir>/damage.db`; any number of threads may report, acknowledge and read. */
export function openEmbeddedDamageLog({ dataDir }: { readonly dataDir: string }): DamageLog {
  const database = openDamageDatabase(dataDir);
  const writes = damageWrites(database);
  const reads = damageReads(database);

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

  return {
    ...reads,
    report: async (damages) => inTransaction(() => damages.forEach((damage) => writes.add(damage))),
    acknowledge: async (id, word) => inTransaction(() => writes.acknowledge(id, word)),
    askRepair: async (id, order) => inTransaction(() => writes.askRepair(id, order)),
    mend: async (id, mending) => inTransaction(() => writes.mend(id, mending)),
    close: async () => database.close(),
  };
}
