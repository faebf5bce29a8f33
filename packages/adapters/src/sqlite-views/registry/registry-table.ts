import type { DatabaseSync } from "node:sqlite";
import { registryDamage } from "@meterbook/core/domain/damage/registry-damage";
import type { MeterRecord } from "@meterbook/core/domain/registry/meter-record";
import { AdapterError } from "@meterbook/core/ports/adapter-error";
import type { TellDamage } from "@meterbook/core/ports/damage-log";
import type { Registry } from "@meterbook/core/ports/registry";
import { checkMeterRecord } from "@meterbook/core/records/meter-record-protobuf";

/** Positions grow with every record put; only the newest record of a meter is kept. */
export const registrySchema =
  "CREATE TABLE IF NOT EXISTS record (meter_id TEXT PRIMARY KEY, position INTEGER NOT NULL UNIQUE, body BLOB NOT NULL) WITHOUT ROWID;";

export interface RegistryRow {
  readonly position: number;
  readonly meterId: string;
  /** Undefined where the record cannot be read. */
  readonly record: () => MeterRecord | undefined;
}

/** The newest record of each meter. One that cannot be read is left out: its meter has none until the next is put. */
export interface RegistryTable extends Pick<Registry, "get" | "list"> {
  newest(): number;
  /** What changed after a position, in order; fewer than `limit` rows means all. */
  changedAfter(position: number, limit: number): readonly RegistryRow[];
}

/** Reads what stands under a meter's id at a position; what cannot be read is told. */
export type ReadRecord = (meterId: string, position: number, body: unknown) => MeterRecord | undefined;

export interface RecordReaderOptions {
  readonly damaged: TellDamage;
  readonly nowMs: () => number;
  /** How the place of a position is called. */
  readonly whereOf: (position: number) => string;
}

export function recordReader({ damaged, nowMs, whereOf }: RecordReaderOptions): ReadRecord {
  return (meterId, position, body) => {
    const checked = checkMeterRecord(meterId, body);
    if ("record" in checked) return checked.record;
    damaged(registryDamage(meterId, whereOf(position), checked.fault, nowMs()));
    return undefined;
  };
}

export function registryTable(database: DatabaseSync, read: ReadRecord): RegistryTable {
  const columns = "meter_id, position, body";
  const get = database.prepare(`SELECT ${columns} FROM record WHERE meter_id = ?`);
  const list = database.prepare(`SELECT ${columns} FROM record WHERE meter_id > ? ORDER BY meter_id`);
  const changed = database.prepare(`SELECT ${columns} FROM record WHERE position > ? ORDER BY position LIMIT ?`);
  const newest = database.prepare("SELECT max(position) AS position FROM record");
  const readRow = (row: Record<string, unknown>) => read(String(row["meter_id"]), Number(row["position"]), row["body"]);
  return {
    newest: () => Number(newest.get()?.["position"] ?? 0),
    async get(meterId) {
      const row = get.get(meterId);
      if (row === undefined) return undefined;
      const record = readRow(row);
      if (record !== undefined) return record;
      const detail = `the master data of meter ${meterId} cannot be read (GET /v1/damage names them): put them again`;
      throw new AdapterError("record_damaged", { retryable: false, detail });
    },
    async list({ afterMeterId, limit }) {
      const records: MeterRecord[] = [];
      if (limit <= 0) return records;
      // What is left out does not shorten a page: a short one says that there are no more.
      for (const row of list.iterate(afterMeterId ?? "")) {
        const record = readRow(row);
        if (record !== undefined && records.push(record) >= limit) break;
      }
      return records;
    },
    changedAfter: (position, limit) =>
      changed.all(position, limit).map((row) => ({
        position: Number(row["position"]),
        meterId: String(row["meter_id"]),
        record: () => readRow(row),
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
