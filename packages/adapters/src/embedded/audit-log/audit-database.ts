import type { DatabaseSync } from "node:sqlite";
import { auditSchema } from "../../sqlite-views/audit-log/audit-table.ts";
import { openDurableDatabase } from "../database/durable-database.ts";

export function openAuditDatabase(dataDir: string): DatabaseSync {
  return openDurableDatabase(dataDir, "audit", auditSchema);
}
