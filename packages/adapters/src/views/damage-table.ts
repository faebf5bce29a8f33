import type { DatabaseSync } from "node:sqlite";
import type {
  Acknowledgement,
  Damage,
  DamageCode,
  DamagedPlace,
  KnownDamage,
  Mending,
  MendingOutcome,
  RepairOrder,
} from "@meterbook/core/domain/damage";
import { type DamageLog, damagesOpenMax, unlistedDamage } from "@meterbook/core/ports/damage-log";

/** Rows are only ever inserted; the triggers hold everybody to it who opens the file. `open_damage` counts by place. */
export const damageSchema = `
  CREATE TABLE IF NOT EXISTS damage (id TEXT PRIMARY KEY, place TEXT NOT NULL, code TEXT NOT NULL, found_where TEXT NOT NULL, detail TEXT NOT NULL,
    help TEXT NOT NULL, meter_id TEXT, period TEXT, lost INTEGER, found_at_ms INTEGER NOT NULL) WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS damage_in_order ON damage (found_at_ms, id);
  CREATE INDEX IF NOT EXISTS damage_at_place ON damage (place, id);
  CREATE INDEX IF NOT EXISTS damage_of_meter ON damage (meter_id, place, id);
  CREATE TABLE IF NOT EXISTS repair_order (id TEXT PRIMARY KEY, at_ms INTEGER NOT NULL, by_whom TEXT NOT NULL, reason TEXT NOT NULL) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS mending (id TEXT PRIMARY KEY, at_ms INTEGER NOT NULL, outcome TEXT NOT NULL, detail TEXT NOT NULL, lost INTEGER) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS acknowledgement (id TEXT PRIMARY KEY, at_ms INTEGER NOT NULL, by_whom TEXT NOT NULL, reason TEXT NOT NULL) WITHOUT ROWID;
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

/** Writes into the tables of `damageSchema`, inside the caller's transaction. */
export interface DamageWrites {
  /** An entry that is known changes nothing. */
  add(damage: Damage): void;
  /** Whether the id is known; the first word counts. */
  acknowledge(id: string, word: Acknowledgement): boolean;
  /** The same for an operator's order, and for what was done. */
  askRepair(id: string, order: RepairOrder): boolean;
  mend(id: string, mending: Mending): boolean;
}

export function damageWrites(database: DatabaseSync): DamageWrites {
  const insert = database.prepare("INSERT OR IGNORE INTO damage VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
  const word = database.prepare("INSERT OR IGNORE INTO acknowledgement VALUES (?, ?, ?, ?)");
  const order = database.prepare("INSERT OR IGNORE INTO repair_order VALUES (?, ?, ?, ?)");
  const mending = database.prepare("INSERT OR IGNORE INTO mending VALUES (?, ?, ?, ?, ?)");
  const placeOf = database.prepare("SELECT place FROM damage WHERE id = ?");
  const total = database.prepare("SELECT coalesce(sum(count), 0) AS count FROM open_damage");
  const count = database.prepare(
    "INSERT INTO open_damage (place, count) VALUES (?, ?) ON CONFLICT (place) DO UPDATE SET count = count + excluded.count",
  );

  function insertNew(damage: Damage): void {
    const { id, place, code, where, detail, help, meterId, period, lost, foundAtMs } = damage;
    const { changes } = insert.run(id, place, code, where, detail, help, meterId, period, lost, foundAtMs);
    if (changes > 0) count.run(place, 1);
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
      if (word.run(id, atMs, by, reason).changes > 0) count.run(place, -1);
      return true;
    },
    askRepair(id, { atMs, by, reason }) {
      if (placeOf.get(id) === undefined) return false;
      order.run(id, atMs, by, reason);
      return true;
    },
    mend(id, { atMs, outcome, detail, lost }) {
      if (placeOf.get(id) === undefined) return false;
      mending.run(id, atMs, outcome, detail, lost);
      return true;
    },
  };
}

export type DamageReads = Pick<DamageLog, "find" | "list" | "open" | "unmended">;

const columns = `d.*, a.at_ms, a.by_whom, a.reason, o.at_ms AS asked_at_ms, o.by_whom AS asked_by, o.reason AS asked_reason,
  m.at_ms AS mended_at_ms, m.outcome, m.detail AS mended_detail, m.lost AS mended_lost
  FROM damage d LEFT JOIN acknowledgement a USING (id) LEFT JOIN repair_order o USING (id) LEFT JOIN mending m USING (id)`;

/** Reads of the tables of `damageSchema`. */
export function damageReads(database: DatabaseSync): DamageReads {
  const one = database.prepare(`SELECT ${columns} WHERE d.id = ?`);
  const page = database.prepare(
    `SELECT ${columns} WHERE (d.found_at_ms, d.id) > (?, ?) AND (? OR a.id IS NULL) ORDER BY d.found_at_ms, d.id LIMIT ?`,
  );
  const counts = database.prepare("SELECT place, count FROM open_damage WHERE count > 0 ORDER BY place");

  const unmended = database.prepare(
    `SELECT ${columns} WHERE d.place = ? AND d.id > ? AND m.id IS NULL AND (NOT ? OR o.id IS NOT NULL) ORDER BY d.id LIMIT ?`,
  );
  const unmendedOf = database.prepare(
    `SELECT ${columns} WHERE d.meter_id = ? AND d.place = ? AND d.id > ? AND m.id IS NULL AND (NOT ? OR o.id IS NOT NULL)
      ORDER BY d.id LIMIT ?`,
  );

  async function find(id: string): Promise<KnownDamage | undefined> {
    const row = one.get(id);
    return row === undefined ? undefined : knownDamage(row);
  }

  return {
    find,
    async list({ includeAcknowledged, afterId, limit }) {
      const after = afterId === undefined ? undefined : await find(afterId);
      return page
        .all(after?.foundAtMs ?? -1, after?.id ?? "", includeAcknowledged ? 1 : 0, limit)
        .map((row) => knownDamage(row));
    },
    async unmended({ place, meterId, asked = false, afterId = "", limit }) {
      const rest = [place, afterId, asked ? 1 : 0, limit];
      return (meterId === undefined ? unmended.all(...rest) : unmendedOf.all(meterId, ...rest)).map(knownDamage);
    },
    async open() {
      const byPlace = Object.fromEntries(counts.all().map((row) => [String(row["place"]), Number(row["count"])]));
      return { total: Object.values(byPlace).reduce((sum, places) => sum + places, 0), byPlace };
    },
  };
}

function knownDamage(row: Record<string, unknown>): KnownDamage {
  const textOrNull = (name: string) => (row[name] === null ? null : String(row[name]));
  return {
    id: String(row["id"]),
    place: row["place"] as DamagedPlace,
    code: row["code"] as DamageCode,
    where: String(row["found_where"]),
    detail: String(row["detail"]),
    help: String(row["help"]),
    meterId: textOrNull("meter_id"),
    period: textOrNull("period"),
    lost: row["lost"] === null ? null : Number(row["lost"]),
    foundAtMs: Number(row["found_at_ms"]),
    acknowledged: wordOf(row["at_ms"], row["by_whom"], row["reason"]),
    asked: wordOf(row["asked_at_ms"], row["asked_by"], row["asked_reason"]),
    mended:
      row["mended_at_ms"] === null
        ? null
        : {
            atMs: Number(row["mended_at_ms"]),
            outcome: row["outcome"] as MendingOutcome,
            detail: String(row["mended_detail"]),
            lost: row["mended_lost"] === null ? null : Number(row["mended_lost"]),
          },
  };
}

function wordOf(atMs: unknown, by: unknown, reason: unknown): Acknowledgement | null {
  return atMs === null ? null : { atMs: Number(atMs), by: String(by), reason: String(reason) };
}
