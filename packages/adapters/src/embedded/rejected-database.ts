import type { DatabaseSync } from "node:sqlite";
import { rejectionSchema } from "../views/rejection-table.ts";
import { openDurableDatabase } from "./durable-database.ts";

export function openRejectedDatabase(dataDir: string): DatabaseSync {
  return openDurableDatabase(dataDir, "rejected", `${rejectionSchema} PRAGMA user_version = 5;`);
}

/** How the place of a message is called where it is damaged. */
export function rejectedWhere(place: number): string {
  return `message ${place}`;
}
