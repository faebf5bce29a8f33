import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import type { RejectedLog, Rejection, StoredRejection } from "@meterbook/core/ports/rejected-log";
import { appendError } from "./append-error.ts";

const schema = `
  CREATE TABLE IF NOT EXISTS rejection (id INTEGER PRIMARY KEY AUTOINCREMENT, reason TEXT NOT NULL, detail TEXT NOT NULL, topic TEXT NOT NULL,
    meter_id TEXT, client_id TEXT NOT NULL, received_at_ms INTEGER NOT NULL, payload BLOB NOT NULL, truncated_from INTEGER,
    reading_index INTEGER, replayed_at_ms INTEGER);
  CREATE TABLE IF NOT EXISTS open_count (reason TEXT PRIMARY KEY, count INTEGER NOT NULL) WITHOUT ROWID;
  PRAGMA user_version = 1;
`;

/** The rejected log in `<dataDir>/rejected.db`; any number of threads may append and read. */
export function openEmbeddedRejectedLog(options: { dataDir: string }): RejectedLog {
  const database = new DatabaseSync(join(options.dataDir, "rejected.db"), { timeout: 10_000 });
  database.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL");
  database.exec(schema);
  const writes = rejectionWrites(database);
  const page = database.prepare(
    "SELECT * FROM rejection WHERE id > ? AND (? OR replayed_at_ms IS NULL) ORDER BY id LIMIT ?",
  );
  const one = database.prepare("SELECT * FROM rejection WHERE id = ?");
  const counts = database.prepare("SELECT reason, count FROM open_count WHERE count > 0 ORDER BY reason");

  function inTransaction(work: () => void): void {
    try {
      database.exec("BEGIN IMMEDIATE");
      work();
      database.exec("COMMIT");
    } catch (cause) {
      if (database.isTransaction) database.exec("ROLLBACK");
      throw appendError(cause);
    }
  }

  return {
    append: async (rejections) => inTransaction(() => rejections.forEach(writes.add)),
    list: async ({ afterId, limit, includeReplayed }) =>
      page.all(afterId === undefined ? 0 : rowId(afterId), includeReplayed ? 1 : 0, limit).map(storedRejection),
    async get(id) {
      const row = one.get(rowId(id));
      return row === undefined ? undefined : storedRejection(row);
    },
    markReplayed: async (id, atMs) => inTransaction(() => writes.markReplayed(rowId(id), atMs)),
    async totals() {
      const byReason = Object.fromEntries(counts.all().map((row) => [String(row["reason"]), Number(row["count"])]));
      return { open: Object.values(byReason).reduce((sum, count) => sum + count, 0), byReason };
    },
    close: async () => database.close(),
  };
}

function rejectionWrites(database: DatabaseSync) {
  const insert = database.prepare(
    "INSERT INTO rejection (reason, detail, topic, meter_id, client_id, received_at_ms, payload, truncated_from, reading_index) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
  );
  const count = database.prepare(
    "INSERT INTO open_count (reason, count) VALUES (?, ?) ON CONFLICT (reason) DO UPDATE SET count = count + excluded.count",
  );
  const mark = database.prepare(
    "UPDATE rejection SET replayed_at_ms = ? WHERE id = ? AND replayed_at_ms IS NULL RETURNING reason",
  );
  return {
    add({
      reason,
      detail,
      topic,
      meterId,
      clientId,
      receivedAtMs,
      payload,
      truncatedFrom,
      readingIndex,
    }: Rejection): void {
      insert.run(reason, detail, topic, meterId, clientId, receivedAtMs, payload, truncatedFrom, readingIndex);
      count.run(reason, 1);
    },
    markReplayed(id: number, atMs: number): void {
      const marked = mark.get(atMs, id);
      if (marked !== undefined) count.run(String(marked["reason"]), -1);
    },
  };
}

/** Ids outside look opaque and sort as they count. */
function idOf(row: number): string {
  return `r${row.toString(16).padStart(12, "0")}`;
}

/** 0, which no row has, for what is no id of ours. */
function rowId(id: string): number {
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
