import type { DatabaseSync } from "node:sqlite";
import {
  type Acknowledgement,
  type Damage,
  type DamageCode,
  type DamagedPlace,
  damageAt,
  type KnownDamage,
  type Mending,
  type MendingOutcome,
  type RepairOrder,
} from "@meterbook/core/domain/damage/damage";
import { type DamageLog, damagesOpenMax, unlistedDamage } from "@meterbook/core/ports/damage-log";
import { bigNumbers, cellsChecksum, isIntact } from "../file/row-checksum.ts";

/**
 * Rows are only ever inserted; triggers enforce that for everybody who opens the file. Each row has a checksum over its
 * other columns. `open_damage` counts by place, and is counted again when the file is opened.
 */
export const damageSchema = `
  CREATE TABLE IF NOT EXISTS damage (id TEXT PRIMARY KEY, place TEXT NOT NULL, code TEXT NOT NULL, found_where TEXT NOT NULL, detail TEXT NOT NULL,
    help TEXT NOT NULL, meter_id TEXT, period TEXT, lost INTEGER, found_at_ms INTEGER NOT NULL, checksum INTEGER NOT NULL);
  CREATE INDEX IF NOT EXISTS damage_in_order ON damage (found_at_ms, id);
  CREATE INDEX IF NOT EXISTS damage_at_place ON damage (place, id);
  CREATE INDEX IF NOT EXISTS damage_of_meter ON damage (meter_id, place, id);
  CREATE TABLE IF NOT EXISTS acknowledgement (id TEXT PRIMARY KEY, at_ms INTEGER NOT NULL, by_whom TEXT NOT NULL, reason TEXT NOT NULL,
    checksum INTEGER NOT NULL);
  CREATE TABLE IF NOT EXISTS repair_order (id TEXT PRIMARY KEY, at_ms INTEGER NOT NULL, by_whom TEXT NOT NULL, reason TEXT NOT NULL,
    checksum INTEGER NOT NULL);
  CREATE TABLE IF NOT EXISTS mending (id TEXT PRIMARY KEY, at_ms INTEGER NOT NULL, outcome TEXT NOT NULL, detail TEXT NOT NULL, lost INTEGER,
    checksum INTEGER NOT NULL);
  CREATE TABLE IF NOT EXISTS open_damage (place TEXT PRIMARY KEY, count INTEGER NOT NULL) WITHOUT ROWID;
  CREATE TRIGGER IF NOT EXISTS damage_is_final BEFORE UPDATE ON damage BEGIN SELECT RAISE(ABORT, 'what was found never changes'); END;
  CREATE TRIGGER IF NOT EXISTS damage_is_kept BEFORE DELETE ON damage BEGIN SELECT RAISE(ABORT, 'what was found is never deleted'); END;
  CREATE TRIGGER IF NOT EXISTS word_is_final BEFORE UPDATE ON acknowledgement BEGIN SELECT RAISE(ABORT, 'an operator''s word never changes'); END;
  CREATE TRIGGER IF NOT EXISTS word_is_kept BEFORE DELETE ON acknowledgement BEGIN SELECT RAISE(ABORT, 'an operator''s word is never deleted'); END;
  CREATE TRIGGER IF NOT EXISTS order_is_final BEFORE UPDATE ON repair_order BEGIN SELECT RAISE(ABORT, 'an operator''s word never changes'); END;
  CREATE TRIGGER IF NOT EXISTS order_is_kept BEFORE DELETE ON repair_order BEGIN SELECT RAISE(ABORT, 'an operator''s word is never deleted'); END;
  CREATE TRIGGER IF NOT EXISTS mending_is_final BEFORE UPDATE ON mending BEGIN SELECT RAISE(ABORT, 'what was done never changes'); END;
  CREATE TRIGGER IF NOT EXISTS mending_is_kept BEFORE DELETE ON mending BEGIN SELECT RAISE(ABORT, 'what was done is never deleted'); END;
`;

/** The columns that the checksums cover, in their order. */
export const damageColumns = [
  "id",
  "place",
  "code",
  "found_where",
  "detail",
  "help",
  "meter_id",
  "period",
  "lost",
  "found_at_ms",
] as const;
/** Of an acknowledgement and of an order. */
export const wordColumns = ["id", "at_ms", "by_whom", "reason"] as const;
export const mendingColumns = ["id", "at_ms", "outcome", "detail", "lost"] as const;

/** Writes into the tables of `damageSchema`, inside the caller's transaction. */
export interface DamageWrites {
  /** An entry that is known changes nothing. */
  add(damage: Damage): void;
  /** Whether the id is known; the first word counts. */
  acknowledge(id: string, word: Acknowledgement): boolean;
  /** The same for an operator's order, and for what was done. */
  askRepair(id: string, order: RepairOrder): boolean;
  mend(id: string, mending: Mending): boolean;
  /** Counts what is open by what the entries say. */
  recount(): void;
}

export function damageWrites(database: DatabaseSync): DamageWrites {
  const insert = database.prepare("INSERT OR IGNORE INTO damage VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
  const word = database.prepare("INSERT OR IGNORE INTO acknowledgement VALUES (?, ?, ?, ?, ?)");
  const order = database.prepare("INSERT OR IGNORE INTO repair_order VALUES (?, ?, ?, ?, ?)");
  const mending = database.prepare("INSERT OR IGNORE INTO mending VALUES (?, ?, ?, ?, ?, ?)");
  const placeOf = database.prepare("SELECT place FROM damage WHERE id = ?");
  const total = database.prepare("SELECT coalesce(sum(count), 0) AS count FROM open_damage");
  const count = database.prepare(
    "INSERT INTO open_damage (place, count) VALUES (?, ?) ON CONFLICT (place) DO UPDATE SET count = count + excluded.count",
  );

  function insertNew(damage: Damage): void {
    const { id, place, code, where, detail, help, meterId, period, lost, foundAtMs } = damage;
    const cells = [id, place, code, where, detail, help, meterId, period, lost, foundAtMs] as const;
    if (insert.run(...cells, cellsChecksum(cells)).changes > 0) count.run(place, 1);
  }

  return {
    add(damage) {
      const isFull = Number(total.get()?.["count"]) >= damagesOpenMax;
      if (!isFull) insertNew(damage);
      else if (placeOf.get(damage.id) === undefined) insertNew(unlistedDamage(damage.foundAtMs));
    },
    acknowledge(id, { atMs, by, reason }) {
      const place = placeOf.get(id)?.["place"];
      if (typeof place !== "string") return false;
      const cells = [id, atMs, by, reason] as const;
      if (word.run(...cells, cellsChecksum(cells)).changes > 0) count.run(place, -1);
      return true;
    },
    askRepair(id, { atMs, by, reason }) {
      if (placeOf.get(id) === undefined) return false;
      const cells = [id, atMs, by, reason] as const;
      order.run(...cells, cellsChecksum(cells));
      return true;
    },
    mend(id, { atMs, outcome, detail, lost }) {
      if (placeOf.get(id) === undefined) return false;
      const cells = [id, atMs, outcome, detail, lost] as const;
      mending.run(...cells, cellsChecksum(cells));
      return true;
    },
    recount() {
      database.exec("DELETE FROM open_damage");
      database.exec(`INSERT INTO open_damage SELECT place, count(*) FROM damage
        WHERE id NOT IN (SELECT id FROM acknowledgement) GROUP BY place`);
    },
  };
}

export type DamageReads = Pick<DamageLog, "find" | "list" | "open" | "unmended" | "losses">;

const columns = `d.*, a.at_ms AS word_at_ms, a.by_whom AS word_by_whom, a.reason AS word_reason, a.checksum AS word_checksum,
  o.at_ms AS order_at_ms, o.by_whom AS order_by_whom, o.reason AS order_reason, o.checksum AS order_checksum,
  m.at_ms AS done_at_ms, m.outcome AS done_outcome, m.detail AS done_detail, m.lost AS done_lost, m.checksum AS done_checksum
  FROM damage d LEFT JOIN acknowledgement a USING (id) LEFT JOIN repair_order o USING (id) LEFT JOIN mending m USING (id)`;

/** Reads of the tables of `damageSchema`. An entry that cannot be read is shown as one that says so. */
export function damageReads(database: DatabaseSync): DamageReads {
  const read = (rest: string) => bigNumbers(database.prepare(`SELECT ${columns} WHERE ${rest}`));
  const one = read("d.id = ?");
  const page = read("(d.found_at_ms, d.id) > (?, ?) AND (? OR a.id IS NULL) ORDER BY d.found_at_ms, d.id LIMIT ?");
  const open = "d.place = ? AND d.id > ? AND m.id IS NULL AND (NOT ? OR o.id IS NOT NULL) ORDER BY d.id LIMIT ?";
  const unmended = read(open);
  const unmendedOf = read(`d.meter_id = ? AND ${open}`);
  const counts = database.prepare("SELECT place, count FROM open_damage WHERE count > 0 ORDER BY place");

  // What a mending has found to be lost counts in place of what was feared.
  const lost =
    database.prepare(`SELECT d.place, total(coalesce(m.lost, d.lost)) AS lost FROM damage d LEFT JOIN mending m USING (id)
    WHERE coalesce(m.lost, d.lost) > 0 GROUP BY d.place ORDER BY d.place`);
  const unknown = database.prepare(`SELECT count(*) AS entries FROM damage d LEFT JOIN acknowledgement a USING (id)
    LEFT JOIN mending m USING (id) WHERE coalesce(m.lost, d.lost) IS NULL AND a.id IS NULL`);
  return {
    async find(id) {
      const row = one.get(id);
      return row === undefined ? undefined : knownDamage(row);
    },
    async list({ includeAcknowledged, afterId, limit }) {
      const after = afterId === undefined ? undefined : one.get(afterId);
      const place = [(after?.["found_at_ms"] ?? -1) as bigint | number, String(after?.["id"] ?? "")] as const;
      return page.all(...place, includeAcknowledged ? 1 : 0, limit).map(knownDamage);
    },
    async unmended({ place, meterId, asked = false, afterId = "", limit }) {
      const rest = [place, afterId, asked ? 1 : 0, limit];
      return (meterId === undefined ? unmended.all(...rest) : unmendedOf.all(meterId, ...rest)).map(knownDamage);
    },
    async losses() {
      const byPlace = Object.fromEntries(lost.all().map((row) => [String(row["place"]), Number(row["lost"])]));
      return { byPlace, unknown: Number(unknown.get()?.["entries"]) };
    },
    async open() {
      const byPlace = Object.fromEntries(counts.all().map((row) => [String(row["place"]), Number(row["count"])]));
      return { total: Object.values(byPlace).reduce((sum, places) => sum + places, 0), byPlace };
    },
  };
}

function knownDamage(row: Record<string, unknown>): KnownDamage {
  const more = { acknowledged: wordOf(row, "word"), asked: wordOf(row, "order"), mended: mendingOf(row) };
  if (!isIntact(row, damageColumns)) return { ...unreadableEntry(String(row["id"])), ...more };
  return {
    id: String(row["id"]),
    place: row["place"] as DamagedPlace,
    code: row["code"] as DamageCode,
    where: String(row["found_where"]),
    detail: String(row["detail"]),
    help: String(row["help"]),
    meterId: textOrNull(row["meter_id"]),
    period: textOrNull(row["period"]),
    lost: numberOrNull(row["lost"]),
    foundAtMs: Number(row["found_at_ms"]),
    ...more,
  };
}

const unreadable = "(cannot be read any more)";

function wordOf(row: Record<string, unknown>, name: "word" | "order"): Acknowledgement | null {
  if (row[`${name}_checksum`] === null) return null;
  const [, ...columns] = wordColumns;
  if (!isIntact(row, ["id", ...columns.map((column) => `${name}_${column}`)], `${name}_checksum`))
    return { atMs: 0, by: "", reason: unreadable };
  const [atMs, by, reason] = [row[`${name}_at_ms`], row[`${name}_by_whom`], row[`${name}_reason`]];
  return { atMs: Number(atMs), by: String(by), reason: String(reason) };
}

function mendingOf(row: Record<string, unknown>): Mending | null {
  if (row["done_checksum"] === null) return null;
  const [, ...columns] = mendingColumns;
  const isSound = isIntact(row, ["id", ...columns.map((column) => `done_${column}`)], "done_checksum");
  return {
    atMs: isSound ? Number(row["done_at_ms"]) : 0,
    outcome: row["done_outcome"] as MendingOutcome,
    detail: isSound ? String(row["done_detail"]) : unreadable,
    lost: isSound ? numberOrNull(row["done_lost"]) : null,
  };
}

function textOrNull(value: unknown): string | null {
  return value === null ? null : String(value);
}

function numberOrNull(value: unknown): number | null {
  return value === null ? null : Number(value);
}

/** It keeps the id under which it stands, so that it can be acknowledged. */
function unreadableEntry(id: string): Damage {
  const fault = { code: "checksum_mismatch", detail: "an entry about damage is not as it was written" } as const;
  return { ...damageAt("damage-log", `entry ${id}`, fault, { help: verifyHelp, foundAtMs: 0 }), id };
}

/** Of what the damage log itself has lost. */
export const verifyHelp = "verify the data: what is still damaged is found and listed again";
