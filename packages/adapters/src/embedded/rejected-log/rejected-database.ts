import type { DatabaseSync } from "node:sqlite";
import { rejectionSchema } from "../../sqlite-views/rejected-log/rejection-table.ts";
import { openDurableDatabase } from "../database/durable-database.ts";

export function openRejectedDatabase(dataDir: string): DatabaseSync {
  return openDurableDatabase(dataDir, "rejected", rejectionSchema);
}

/** How the place of a message is called where it is damaged. */
export function rejectedWhere(place: number): string {
  return `message ${place}`;
}
