import type { DatabaseSync } from "node:sqlite";
import { type RefusedMessage, refusalsPerMessageMax, refusedBytes } from "@meterbook/core/ports/refused-message";
import type { RejectedLog, StoredRejection } from "@meterbook/core/ports/rejected-log";
import { rejectionPages } from "./rejection-pages.ts";

/**
 * Messages by their place in the log, from 1, each with its payload once. An entry is a refusal: its id is made of its message's
 * place and its number there. `open_count` counts those that are not replayed.
 */
export const rejectionSchema = `
  CREATE TABLE IF NOT EXISTS refused_message (place INTEGER PRIMARY KEY AUTOINCREMENT, topic TEXT NOT NULL, meter_id TEXT,
    client_id TEXT NOT NULL, received_at_ms INTEGER NOT NULL, payload BLOB NOT NULL, truncated_from INTEGER,
    sender TEXT, bytes INTEGER NOT NULL);
  CREATE TABLE IF NOT EXISTS refusal (id INTEGER PRIMARY KEY, reason TEXT NOT NULL, detail TEXT NOT NULL,
    reading_index INTEGER, replayed_at_ms INTEGER);
  CREATE INDEX IF NOT EXISTS refusal_reason ON refusal (reason, id);
  CREATE INDEX IF NOT EXISTS message_meter ON refused_message (meter_id, place);
  CREATE INDEX IF NOT EXISTS message_received ON refused_message (received_at_ms, place);
  CREATE TABLE IF NOT EXISTS open_count (reason TEXT PRIMARY KEY, count INTEGER NOT NULL) WITHOUT ROWID;
`;

/** The table whose numbers are never given twice. */
export const numberedRejections = "refused_message";

export type RejectionReads = Pick<RejectedLog, "list" | "get" | "totals">;

export function rejectionReads(database: DatabaseSync): RejectionReads {
  const entries = `SELECT * FROM refusal JOIN refused_message ON place = id / ${refusalsPerMessageMax}`;
  const page = rejectionPages(database, refusalsPerMessageMax);
  const one = database.prepare(`${entries} WHERE id = ?`);
  const counts = database.prepare("SELECT reason, count FROM open_count WHERE count > 0 ORDER BY reason");
  return {
    list: async ({ afterId, ...asked }) =>
      page(asked, afterId === undefined ? undefined : entryNumber(afterId)).map(storedRejection),
    async get(id) {
      const row = one.get(entryNumber(id));
      return row === undefined ? undefined : storedRejection(row);
    },
    async totals() {
      const byReason = Object.fromEntries(counts.all().map((row) => [String(row["reason"]), Number(row["count"])]));
      return { open: Object.values(byReason).reduce((sum, count) => sum + count, 0), byReason };
    },
  };
}

/** Writes into the tables, inside the caller's transaction. */
export interface RejectionWrites {
  /** At this place; after all others where it is null. */
  add(message: RefusedMessage, place: number | null): void;
  /** The first time counts; an entry that is not there is none. */
  markReplayed(entry: number, atMs: number): void;
}

export function rejectionWrites(database: DatabaseSync): RejectionWrites {
  const insertMessage = database.prepare(
    `INSERT INTO refused_message (place, topic, meter_id, client_id, received_at_ms, payload, truncated_from, sender, bytes)
      VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  );
  const insert = database.prepare("INSERT INTO refusal (id, reason, detail, reading_index) VALUES (?, ?, ?, ?)");
  const count = database.prepare(
    "INSERT INTO open_count (reason, count) VALUES (?, ?) ON CONFLICT (reason) DO UPDATE SET count = count + excluded.count",
  );
  const mark = database.prepare(
    "UPDATE refusal SET replayed_at_ms = ? WHERE id = ? AND replayed_at_ms IS NULL RETURNING reason",
  );
  return {
    add(message, given) {
      const { topic, meterId, clientId, receivedAtMs, payload, truncatedFrom, senderName = null, refusals } = message;
      const of = [topic, meterId, clientId, receivedAtMs, payload, truncatedFrom, senderName] as const;
      const added = insertMessage.run(given, ...of, refusedBytes(message));
      const place = given ?? Number(added.lastInsertRowid);
      for (const [number, { reason, detail, readingIndex }] of refusals.entries()) {
        insert.run(entryOf(place, number), reason, detail, readingIndex);
        count.run(reason, 1);
      }
    },
    markReplayed(entry, atMs) {
      const marked = mark.get(atMs, entry);
      if (marked !== undefined) count.run(String(marked["reason"]), -1);
    },
  };
}

/** Where the message of an entry stands, and which of its refusals the entry is. */
export function placeOfEntry(entry: number): { readonly place: number; readonly number: number } {
  return { place: Math.floor(entry / refusalsPerMessageMax), number: entry % refusalsPerMessageMax };
}

export function entryOf(place: number, number: number): number {
  return place * refusalsPerMessageMax + number;
}

/** Ids outside look opaque and sort as they count. */
function idOf(entry: number): string {
  return `r${entry.toString(16).padStart(14, "0")}`;
}

/** The number of an entry by its id; 0, where no entry is, for what is no id of ours. */
export function entryNumber(id: string): number {
  const entry = /^r[0-9a-f]{14}$/.test(id) ? Number.parseInt(id.slice(1), 16) : 0;
  return Number.isSafeInteger(entry) ? entry : 0;
}

function storedRejection(row: Record<string, unknown>): StoredRejection {
  const numberOrNull = (name: string) => (row[name] === null ? null : Number(row[name]));
  return {
    id: idOf(Number(row["id"])),
    reason: String(row["reason"]),
    detail: String(row["detail"]),
    topic: String(row["topic"]),
    meterId: row["meter_id"] === null ? null : String(row["meter_id"]),
    clientId: String(row["client_id"]),
    receivedAtMs: Number(row["received_at_ms"]),
    payload: row["payload"] as Uint8Array,
    truncatedFrom: numberOrNull("truncated_from"),
    readingIndex: numberOrNull("reading_index"),
    replayedAtMs: numberOrNull("replayed_at_ms"),
  };
}
