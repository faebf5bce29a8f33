import type { DatabaseSync } from "node:sqlite";
import type { RejectedLog, Rejection, StoredRejection } from "@meterbook/core/ports/rejected-log";

/** Entries by their place in the log, from 1; `open_count` counts those that are not replayed. */
export const rejectionSchema = `
  CREATE TABLE IF NOT EXISTS rejection (id INTEGER PRIMARY KEY AUTOINCREMENT, reason TEXT NOT NULL, detail TEXT NOT NULL, topic TEXT NOT NULL,
    meter_id TEXT, client_id TEXT NOT NULL, received_at_ms INTEGER NOT NULL, payload BLOB NOT NULL, truncated_from INTEGER,
    reading_index INTEGER, replayed_at_ms INTEGER);
  CREATE TABLE IF NOT EXISTS open_count (reason TEXT PRIMARY KEY, count INTEGER NOT NULL) WITHOUT ROWID;
`;

export type RejectionReads = Pick<RejectedLog, "list" | "get" | "totals">;

export function rejectionReads(database: DatabaseSync): RejectionReads {
  const page = database.prepare(
    "SELECT * FROM rejection WHERE id > ? AND (? OR replayed_at_ms IS NULL) ORDER BY id LIMIT ?",
  );
  const one = database.prepare("SELECT * FROM rejection WHERE id = ?");
  const counts = database.prepare("SELECT reason, count FROM open_count WHERE count > 0 ORDER BY reason");
  return {
    list: async ({ afterId, limit, includeReplayed }) =>
      page
        .all(afterId === undefined ? 0 : rejectionPlace(afterId), includeReplayed ? 1 : 0, limit)
        .map(storedRejection),
    async get(id) {
      const row = one.get(rejectionPlace(id));
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
  add(rejection: Rejection, place: number | null): void;
  /** The first time counts; an entry that is not there is none. */
  markReplayed(place: number, atMs: number): void;
}

export function rejectionWrites(database: DatabaseSync): RejectionWrites {
  const insert = database.prepare(
    "INSERT INTO rejection (id, reason, detail, topic, meter_id, client_id, received_at_ms, payload, truncated_from, reading_index) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
  );
  const count = database.prepare(
    "INSERT INTO open_count (reason, count) VALUES (?, ?) ON CONFLICT (reason) DO UPDATE SET count = count + excluded.count",
  );
  const mark = database.prepare(
    "UPDATE rejection SET replayed_at_ms = ? WHERE id = ? AND replayed_at_ms IS NULL RETURNING reason",
  );
  return {
    add(rejection, place) {
      const { reason, detail, topic, meterId, clientId, receivedAtMs, payload, truncatedFrom, readingIndex } =
        rejection;
      insert.run(place, reason, detail, topic, meterId, clientId, receivedAtMs, payload, truncatedFrom, readingIndex);
      count.run(reason, 1);
    },
    markReplayed(place, atMs) {
      const marked = mark.get(atMs, place);
      if (marked !== undefined) count.run(String(marked["reason"]), -1);
    },
  };
}

/** Ids outside look opaque and sort as they count. */
function idOf(place: number): string {
  return `r${place.toString(16).padStart(12, "0")}`;
}

/** The place of an entry by its id; 0, where no entry is, for what is no id of ours. */
export function rejectionPlace(id: string): number {
  return /^r[0-9a-f]{12}$/.test(id) ? Number.parseInt(id.slice(1), 16) : 0;
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
