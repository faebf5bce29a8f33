import type { DatabaseSync } from "node:sqlite";
import type { MeterRecord } from "@meterbook/core/domain/registry";
import type { Registry, RegistryChange } from "@meterbook/core/ports/registry";

/** Positions grow with every record put; only the newest record of a meter is kept. */
export function registrySchema(body: "TEXT" | "BLOB"): string {
  return `CREATE TABLE IF NOT EXISTS record (meter_id TEXT PRIMARY KEY, position INTEGER NOT NULL UNIQUE, body ${body} NOT NULL) WITHOUT ROWID;`;
}

/** The newest record of each meter. */
export interface RegistryTable extends Pick<Registry, "get" | "list"> {
  /** Meters that changed after a position, in order of change; fewer than `limit` means all. */
  changedAfter(position: number, limit: number): readonly { readonly position: number; readonly meterId: string }[];
  /** Undefined where the meter has changed again since: that comes later in the order. */
  change(meterId: string, position: number): RegistryChange | undefined;
}

export function registryTable(database: DatabaseSync, decode: (body: unknown) => MeterRecord): RegistryTable {
  const get = database.prepare("SELECT body FROM record WHERE meter_id = ?");
  const list = database.prepare("SELECT body FROM record WHERE meter_id > ? ORDER BY meter_id LIMIT ?");
  // The index on positions holds the meter ids too, so that a walk over millions reads no bodies.
  const changed = database.prepare(
    "SELECT position, meter_id FROM record WHERE position > ? ORDER BY position LIMIT ?",
  );
  const one = database.prepare("SELECT body FROM record WHERE meter_id = ? AND position = ?");
  return {
    async get(meterId) {
      const row = get.get(meterId);
      return row === undefined ? undefined : decode(row["body"]);
    },
    list: async ({ afterMeterId, limit }) => list.all(afterMeterId ?? "", limit).map((row) => decode(row["body"])),
    changedAfter: (position, limit) =>
      changed
        .all(position, limit)
        .map((row) => ({ position: Number(row["position"]), meterId: String(row["meter_id"]) })),
    change(meterId, position) {
      const row = one.get(meterId, position);
      return row === undefined ? undefined : { position, record: decode(row["body"]) };
    },
  };
}
