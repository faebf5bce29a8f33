import type { DatabaseSync } from "node:sqlite";
import { AdapterError } from "@meterbook/core/ports/adapter-error";
import { type RefusedMessage, refusalsPerMessageMax, refusedBytes } from "@meterbook/core/ports/refused-message";
import type { RejectedLog, StoredRejection } from "@meterbook/core/ports/rejected-log";
import { bigNumbers, cellOf, cellsChecksum, isIntact } from "../file/row-checksum.ts";
import { openCounts, openTotals } from "./open-counts.ts";
import type { RejectionEars } from "./rejection-damage.ts";
import { entryCells, rejectionPages } from "./rejection-pages.ts";

/**
 * Messages by their place in the log, from 1, each with its payload once. An entry is a refusal; its id is made of the
 * place of its message and its number there. `open_count` counts those that are not replayed. Each row has a checksum
 * over its other columns.
 */
export const rejectionSchema = `
  CREATE TABLE IF NOT EXISTS refused_message (place INTEGER PRIMARY KEY AUTOINCREMENT, topic TEXT NOT NULL, meter_id TEXT,
    client_id TEXT NOT NULL, received_at_ms INTEGER NOT NULL, payload BLOB NOT NULL, truncated_from INTEGER,
    sender TEXT, bytes INTEGER NOT NULL, checksum INTEGER NOT NULL);
  CREATE TABLE IF NOT EXISTS refusal (id INTEGER PRIMARY KEY, reason TEXT NOT NULL, detail TEXT NOT NULL,
    reading_index INTEGER, replayed_at_ms INTEGER, checksum INTEGER NOT NULL);
  CREATE TABLE IF NOT EXISTS refused_source (source TEXT PRIMARY KEY, place INTEGER NOT NULL) WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS source_place ON refused_source (place);
  CREATE INDEX IF NOT EXISTS refusal_reason ON refusal (reason, id);
  CREATE INDEX IF NOT EXISTS message_meter ON refused_message (meter_id, place);
  CREATE INDEX IF NOT EXISTS message_received ON refused_message (received_at_ms, place);
  CREATE TABLE IF NOT EXISTS open_count (reason TEXT PRIMARY KEY, count INTEGER NOT NULL, checksum INTEGER NOT NULL) WITHOUT ROWID;
`;

/** The columns that the checksums cover, in their order. */
export const messageColumns = [
  "place",
  "topic",
  "meter_id",
  "client_id",
  "received_at_ms",
  "payload",
  "truncated_from",
  "sender",
  "bytes",
] as const;
export const refusalColumns = ["id", "reason", "detail", "reading_index", "replayed_at_ms"] as const;

/** The table whose numbers are never given twice. */
export const numberedRejections = "refused_message";

export type RejectionReads = Pick<RejectedLog, "list" | "get" | "totals">;

/** What is damaged is told and left out of lists, which go on; to ask for it is an AdapterError `record_damaged`. */
export function rejectionReads(database: DatabaseSync, ears: RejectionEars): RejectionReads {
  const page = rejectionPages(database, refusalsPerMessageMax);
  const one = bigNumbers(
    database.prepare(
      `SELECT ${entryCells} FROM refusal LEFT JOIN refused_message ON place = id / ${refusalsPerMessageMax} WHERE id = ?`,
    ),
  );
  const damageOf = entryDamage(ears);

  return {
    async list({ afterId, ...asked }) {
      const found: StoredRejection[] = [];
      let after = afterId === undefined ? undefined : entryNumber(afterId);
      while (found.length < asked.limit) {
        const limit = asked.limit - found.length;
        const rows = page({ ...asked, limit }, after);
        found.push(...rows.filter((row) => damageOf(row) === undefined).map(storedRejection));
        // What was left out leaves room: fewer would mean the end.
        if (rows.length < limit) break;
        after = Number(rows.at(-1)?.["id"]);
      }
      return found;
    },
    async get(id) {
      const row = one.get(entryNumber(id));
      if (row === undefined) return undefined;
      const damage = damageOf(row);
      if (damage === undefined) return storedRejection(row);
      const detail = `${id}: ${damage.detail} (GET /v1/damage has it as ${damage.id})`;
      throw new AdapterError("record_damaged", { retryable: false, detail });
    },
    totals: openTotals(database, ears),
  };
}

/** What is told of an entry whose refusal or message is not as it was written; undefined where both are. */
function entryDamage(ears: RejectionEars) {
  // The refusals of a message follow each other, and its payload may be large.
  let intactPlace = 0;
  return (row: Record<string, unknown>) => {
    const { place, number } = placeOfEntry(Number(row["id"]));
    if (!isIntact(row, refusalColumns, "refusal_checksum")) return ears.row(place, number);
    if (place === intactPlace) return undefined;
    if (row["place"] === null || !isIntact(row, messageColumns)) return ears.row(place);
    intactPlace = place;
    return undefined;
  };
}

/** Writes into the tables, inside the caller's transaction. */
export interface RejectionWrites {
  /** At this place; after all others where it is null. Nothing where its source is there already. */
  add(message: RefusedMessage, place: number | null): void;
  /** The first time counts; an entry that is not there is none. */
  markReplayed(entry: number, atMs: number): void;
}

export function rejectionWrites(database: DatabaseSync, ears: RejectionEars): RejectionWrites {
  const nextPlace = database.prepare("SELECT coalesce(max(seq), 0) + 1 AS place FROM sqlite_sequence WHERE name = ?");
  // A row whose own number is damaged may stand in the way; nothing leads to it any more.
  const insertMessage = database.prepare(
    "INSERT OR REPLACE INTO refused_message VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
  );
  const keepSource = database.prepare("INSERT OR IGNORE INTO refused_source VALUES (?, ?)");
  const insert = database.prepare("INSERT OR REPLACE INTO refusal VALUES (?, ?, ?, ?, NULL, ?)");
  const select = bigNumbers(database.prepare("SELECT * FROM refusal WHERE id = ? AND replayed_at_ms IS NULL"));
  const mark = database.prepare("UPDATE refusal SET replayed_at_ms = ?, checksum = ? WHERE id = ?");
  const count = openCounts(database, ears);

  return {
    add(message, given) {
      const {
        topic,
        meterId,
        clientId,
        receivedAtMs,
        payload,
        truncatedFrom,
        senderName = null,
        refusals,
        source,
      } = message;
      const place = given ?? Number(nextPlace.get(numberedRejections)?.["place"]);
      if (source !== undefined && keepSource.run(source, place).changes === 0) return;
      const cells = [place, topic, meterId, clientId, receivedAtMs, payload, truncatedFrom, senderName] as const;
      const bytes = refusedBytes(message);
      insertMessage.run(...cells, bytes, cellsChecksum([...cells, bytes]));
      const open = new Map<string, number>();
      for (const [number, { reason, detail, readingIndex }] of refusals.entries()) {
        const entry = [entryOf(place, number), reason, detail, readingIndex] as const;
        insert.run(...entry, cellsChecksum([...entry, null]));
        open.set(reason, (open.get(reason) ?? 0) + 1);
      }
      for (const [reason, more] of open) count(reason, more);
    },
    markReplayed(entry, atMs) {
      const row = select.get(entry);
      // What cannot be read was not replayed.
      if (row === undefined || !isIntact(row, refusalColumns)) return;
      const cells = refusalColumns.map((column) => (column === "replayed_at_ms" ? atMs : cellOf(row[column])));
      mark.run(atMs, cellsChecksum(cells), entry);
      count(String(row["reason"]), -1);
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
