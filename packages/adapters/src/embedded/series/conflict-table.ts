import type { DatabaseSync } from "node:sqlite";
import type { Channel } from "@meterbook/core/domain/reading/reading";
import type { Conflict, ConflictsPage, StoredConflict, StoredMeter } from "@meterbook/core/ports/series-store";
import { bigNumbers, cellsChecksum, isIntact } from "../../sqlite-views/file/row-checksum.ts";
import type { MeterTable } from "./meter-table.ts";
import type { TellSeriesRow } from "./series-damage.ts";

/**
 * Refused values, beside those that were kept. Each row has a checksum over all its columns but the id, which only
 * gives the order.
 */
export const conflictSchema = `
  CREATE TABLE IF NOT EXISTS conflict (id INTEGER PRIMARY KEY, meter_no INTEGER NOT NULL, channel TEXT NOT NULL, at INTEGER NOT NULL,
    kept_value INTEGER NOT NULL, kept_code INTEGER NOT NULL, refused_value INTEGER NOT NULL, refused_code INTEGER NOT NULL,
    received_at_ms INTEGER NOT NULL, checksum INTEGER NOT NULL);
  CREATE INDEX IF NOT EXISTS conflict_of_meter ON conflict (meter_no, id);
  CREATE UNIQUE INDEX IF NOT EXISTS conflict_once ON conflict (meter_no, at, channel, refused_value);
`;

/** The columns that the checksum covers, in their order. */
export const conflictColumns = [
  "meter_no",
  "channel",
  "at",
  "kept_value",
  "kept_code",
  "refused_value",
  "refused_code",
  "received_at_ms",
] as const;

export function conflictWrites(database: DatabaseSync, numbers: { noOf(meterId: string): number }) {
  const insert = database.prepare(
    `INSERT OR IGNORE INTO conflict (${conflictColumns.join(", ")}, checksum) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  );
  return {
    add(conflicts: readonly Conflict[]): number {
      let added = 0;
      for (const { meterId, channel, at, kept, refused, receivedAtMs } of conflicts) {
        const { register, kind, unit, stepSeconds } = channel;
        const text = JSON.stringify({ register, kind, unit, stepSeconds });
        const values = [at, kept.value, kept.code, refused.value, refused.code, receivedAtMs];
        const cells = [numbers.noOf(meterId), text, ...values];
        added += Number(insert.run(...cells, cellsChecksum(cells)).changes);
      }
      return added;
    },
  };
}

/** Those that can be read; the others are told, and leave room on the page. */
export function conflictReads(database: DatabaseSync, tell: TellSeriesRow) {
  const select = bigNumbers(
    database.prepare("SELECT * FROM conflict WHERE meter_no = ? AND id > ? ORDER BY id LIMIT ?"),
  );
  return (meter: StoredMeter | undefined, page: { afterId: number; limit: number }): StoredConflict[] => {
    const found: StoredConflict[] = [];
    let after = page.afterId;
    while (meter !== undefined && found.length < page.limit) {
      const limit = page.limit - found.length;
      const rows = select.all(meter.no, after, limit);
      for (const row of rows) {
        if (isIntact(row, conflictColumns)) found.push(storedConflict(row, meter.meterId));
        else tell(damagedConflict(Number(row["id"]), meter.meterId));
      }
      if (rows.length < limit) break;
      after = Number(rows.at(-1)?.["id"]);
    }
    return found;
  };
}

/** The newest first, of one meter or of all; those that can be read, the others are told. */
export function newestConflicts(
  database: DatabaseSync,
  meters: Pick<MeterTable, "find" | "range">,
  tell: TellSeriesRow,
) {
  const select = (where: string) =>
    bigNumbers(
      database.prepare(`SELECT * FROM conflict WHERE id < ? AND at >= ? AND at < ?${where} ORDER BY id DESC LIMIT ?`),
    );
  const [ofAll, ofMeter] = [select(""), select(" AND meter_no = ?")];

  function readable(row: Record<string, unknown>): StoredConflict[] {
    const no = Number(row["meter_no"]);
    const meterId = meters.range(no, no + 1)[0]?.meterId;
    if (meterId === undefined) return [];
    if (isIntact(row, conflictColumns)) return [storedConflict(row, meterId)];
    tell(damagedConflict(Number(row["id"]), meterId));
    return [];
  }

  return ({ after, meterId, from = 0, to = Number.MAX_SAFE_INTEGER, limit }: ConflictsPage): StoredConflict[] => {
    const only = meterId === undefined ? undefined : meters.find(meterId);
    if (meterId !== undefined && only === undefined) return [];
    const page = (before: number, most: number) =>
      only === undefined ? ofAll.all(before, from, to, most) : ofMeter.all(before, from, to, only.no, most);
    const found: StoredConflict[] = [];
    for (let before = after?.[0] ?? Number.MAX_SAFE_INTEGER; found.length < limit; ) {
      const wanted = limit - found.length;
      const rows = page(before, wanted);
      found.push(...rows.flatMap(readable));
      if (rows.length < wanted) break;
      before = Number(rows.at(-1)?.["id"]);
    }
    return found;
  };
}

function storedConflict(row: Record<string, unknown>, meterId: string): StoredConflict {
  const number = (name: string) => Number(row[name]);
  const at = number("at");
  return {
    id: number("id"),
    meterId,
    channel: JSON.parse(String(row["channel"])) as Channel,
    at,
    kept: { at, value: number("kept_value"), code: number("kept_code") },
    refused: { at, value: number("refused_value"), code: number("refused_code") },
    receivedAtMs: number("received_at_ms"),
  };
}

function damagedConflict(id: number, meterId: string): Parameters<TellSeriesRow>[0] {
  return {
    where: `conflict ${id}`,
    detail: "a refused value beside a kept one is not as it was written: it is not shown, and counts as it did",
    help: "The kept value stands in the readings, which are not touched.",
    meterId,
  };
}
