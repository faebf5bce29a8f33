import type { DatabaseSync } from "node:sqlite";
import type { MeterRecord } from "@meterbook/core/domain/registry";
import type { Registry } from "@meterbook/core/ports/registry";

/** Positions grow with every record put; only the newest record of a meter is kept. */
export function registrySchema(body: "TEXT" | "BLOB"): string {
  return `CREATE TABLE IF NOT EXISTS record (meter_id TEXT PRIMARY KEY, position INTEGER NOT NULL UNIQUE, body ${body} NOT NULL) WITHOUT ROWID;`;
}

export interface RegistryRow {
  readonly position: number;
  readonly meterId: string;
  readonly record: () => MeterRecord;
}

/** The newest record of each meter. */
export interface RegistryTable extends Pick<Registry, "get" | "list"> {
  /** What changed after a position, in order; fewer than `limit` rows means all. */
  changedAfter(position: number, limit: number): readonly RegistryRow[];
}

export function registryTable(database: DatabaseSync, decode: (body: unknown) => MeterRecord): RegistryTable {
  const get = database.prepare("SELECT body FROM record WHERE meter_id = ?");
  const list = database.prepare("SELECT body FROM record WHERE meter_id > ? ORDER BY meter_id LIMIT ?");
  const changed = database.prepare(
    "SELECT position, meter_id, body FROM record WHERE position > ? ORDER BY position LIMIT ?",
  );
  return {
    async get(meterId) {
      const row = get.get(meterId);
      return row === undefined ? undefined : decode(row["body"]);
    },
    list: async ({ afterMeterId, limit }) => list.all(afterMeterId ?? "", limit).map((row) => decode(row["body"])),
    changedAfter: (position, limit) =>
      changed.all(position, limit).map((row) => ({
        position: Number(row["position"]),
        meterId: String(row["meter_id"]),
        record: () => decode(row["body"]),
      })),
  };
}

/** Writes into the table, inside the caller's transaction. */
export interface RegistryWrites {
  put(meterId: string, position: number, body: Uint8Array): void;
  remove(meterId: string): void;
}

export function registryWrites(database: DatabaseSync): RegistryWrites {
  const upsert = database.prepare(`
    INSERT INTO record (meter_id, position, body) VALUES (?, ?, ?)
    ON CONFLICT (meter_id) DO UPDATE SET position = excluded.position, body = excluded.body`);
  const remove = database.prepare("DELETE FROM record WHERE meter_id = ?");
  return {
    put: (meterId, position, body) => void upsert.run(meterId, position, body),
    remove: (meterId) => void remove.run(meterId),
  };
}
