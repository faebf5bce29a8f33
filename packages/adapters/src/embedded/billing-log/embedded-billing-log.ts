import type { BillingLog } from "@meterbook/core/ports/billing-log";
import {
  billingSchema,
  billingTable,
  billingWrites,
  encodeLine,
} from "../../sqlite-views/billing-log/billing-table.ts";
import { durableTransactions, openDurableDatabase } from "../database/durable-database.ts";

/** What billing says that it used, in `<dataDir>/billing.db`. Any number of threads may write and read. */
export function openEmbeddedBillingLog({ dataDir }: { readonly dataDir: string }): BillingLog {
  const database = openDurableDatabase(dataDir, "billing", billingSchema);
  const inTransaction = durableTransactions(database);
  const { outcomeOf, ...reads } = billingTable(database);
  const write = billingWrites(database);
  return {
    ...reads,
    record: async (lines) =>
      inTransaction(() =>
        lines.map((line) => {
          if (write(line, encodeLine(line))) return "recorded";
          return outcomeOf(line) === "differs" ? "differs" : "known";
        }),
      ),
    close: async () => database.close(),
  };
}
