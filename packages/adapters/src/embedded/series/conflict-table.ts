import type { DatabaseSync, StatementSync } from "node:sqlite";
import { setImmediate as nextTurn } from "node:timers/promises";
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

type Row = Record<string, unknown>;

/** Some milliseconds of work; then others get their turn. */
const rowsPerTurn = 2000;

/** The newest first, of one meter or of all; those that can be read, the others are told. */
export function newestConflicts(
  database: DatabaseSync,
  meters: Pick<MeterTable, "find" | "range">,
  tell: TellSeriesRow,
) {
  const [ofAll, ofMeter] = [newestRows(database, ""), newestRows(database, "meter_no = ? AND ")];

  function readable(row: Row): StoredConflict[] {
    const no = Number(row["meter_no"]);
    const meterId = meters.range(no, no + 1)[0]?.meterId;
    if (meterId === undefined) return [];
    if (isIntact(row, conflictColumns)) return [storedConflict(row, meterId)];
    tell(damagedConflict(Number(row["id"]), meterId));
    return [];
  }

  /** Of ids from the lowest on; `rows` has those below an id. */
  function ofStep(rows: (before: number, most: number) => Row[], lowest: number, place: number, limit: number) {
    const found: StoredConflict[] = [];
    for (let before = place; found.length < limit && before > lowest; ) {
      const wanted = limit - found.length;
      const some = rows(before, wanted);
      found.push(...some.flatMap(readable));
      before = some.length < wanted ? lowest : Number(some.at(-1)?.["id"]);
    }
    return found;
  }

  return async (asked: ConflictsPage): Promise<StoredConflict[]> => {
    const { after, meterId, from = 0, to = Number.MAX_SAFE_INTEGER, limit } = asked;
    const only = meterId === undefined ? undefined : meters.find(meterId);
    if (meterId !== undefined && only === undefined) return [];
    const [rows, of] = only === undefined ? [ofAll, []] : [ofMeter, [only.no]];
    const found: StoredConflict[] = [];
    // A time may leave out all of a long stretch: the ids are walked down a step at a time.
    for (let before = after?.[0] ?? Number.MAX_SAFE_INTEGER; ; ) {
      const lowest = Number(rows.lowestOfStep.get(...of, before, rowsPerTurn)?.["id"] ?? 0);
      const within = (below: number, most: number) => rows.within.all(...of, lowest, below, from, to, most);
      found.push(...ofStep(within, lowest, before, limit - found.length));
      if (lowest === 0 || found.length >= limit) return found;
      before = lowest;
      await nextTurn();
    }
  };
}

/** The reads of one step. Ids begin with 1. The `+` keeps SQLite from another index than that of the ids. */
function newestRows(database: DatabaseSync, where: string): { lowestOfStep: StatementSync; within: StatementSync } {
  const ids = `FROM conflict WHERE ${where}id`;
  return {
    lowestOfStep: database.prepare(`SELECT id ${ids} < ? ORDER BY id DESC LIMIT 1 OFFSET ?`),
    within: bigNumbers(
      database.prepare(`SELECT * ${ids} >= ? AND id < ? AND +at >= ? AND +at < ? ORDER BY id DESC LIMIT ?`),
    ),
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
