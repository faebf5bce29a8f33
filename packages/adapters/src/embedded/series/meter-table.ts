import type { DatabaseSync } from "node:sqlite";
import type { StoredChannel, StoredMeter } from "@meterbook/core/ports/series-store";
import { bigNumbers, cellsChecksum, isIntact } from "../../sqlite-views/file/row-checksum.ts";
import type { TellSeriesRow } from "./series-damage.ts";

/**
 * Which meter a number stands for, and which channels it has. Without it no block of the meter can be read. So it is
 * stored twice, in two tables: if a row is damaged, its copy is used.
 */
const tables = ["meter", "meter_copy"] as const;

export const meterSchema = tables
  .map(
    (table) => `
  CREATE TABLE IF NOT EXISTS ${table} (no INTEGER PRIMARY KEY, meter_id TEXT NOT NULL, channels TEXT NOT NULL, checksum INTEGER NOT NULL);
  CREATE INDEX IF NOT EXISTS ${table}_by_id ON ${table} (meter_id, no);`,
  )
  .join("");

/** The columns that the checksum covers, in their order. */
export const meterColumns = ["no", "meter_id", "channels"] as const;

/**
 * Numbers follow each other from 0. If a meter was given a new number, because its rows were damaged, the greatest
 * number counts.
 */
export interface MeterTable {
  find(meterId: string): StoredMeter | undefined;
  /** How many numbers are given: those of meters that cannot be read too. */
  count(): number;
  /** Those of the numbers `from .. to - 1` that can be read. */
  range(from: number, to: number): StoredMeter[];
  put(meter: StoredMeter): void;
}

type Row = Record<string, unknown>;

export function meterTable(database: DatabaseSync, tell: TellSeriesRow): MeterTable {
  const [meters, copies] = tables.map((table) => tableReads(database, table)) as [TableReads, TableReads];

  /** The row where it is intact, else its copy. */
  function sound(no: number, row: Row | undefined): StoredMeter | undefined {
    if (row !== undefined && isIntact(row, meterColumns)) return storedMeter(row);
    const copy = copies.byNo.get(no);
    const meter = copy !== undefined && isIntact(copy, meterColumns) ? storedMeter(copy) : undefined;
    tell(damagedRow(no, meter));
    return meter;
  }

  /** The number after the last intact one, and after those that follow it. */
  function count(): number {
    let next = 0;
    for (const { last, byNo } of [meters, copies]) {
      for (const row of last.iterate())
        if (isIntact(row, meterColumns)) {
          next = Math.max(next, Number(row["no"]) + 1);
          break;
        }
      while (byNo.get(next) !== undefined) next += 1;
    }
    return next;
  }

  return {
    find(meterId) {
      const row = meters.byId.get(meterId);
      if (row !== undefined && isIntact(row, meterColumns)) return storedMeter(row);
      const copy = copies.byId.get(meterId);
      return row === undefined && copy === undefined ? undefined : sound(Number((copy ?? row)?.["no"]), row);
    },
    count,
    range(from, to) {
      const rows = new Map(meters.range.all(from, to).map((row) => [Number(row["no"]), row]));
      const found: StoredMeter[] = [];
      for (let no = from; no < to; no += 1) {
        const meter = sound(no, rows.get(no));
        if (meter !== undefined) found.push(meter);
      }
      return found;
    },
    put({ no, meterId, channels }) {
      const cells = [no, meterId, JSON.stringify(channels)] as const;
      const checksum = cellsChecksum(cells);
      for (const { put } of [meters, copies]) put.run(...cells, checksum);
    },
  };
}

type TableReads = ReturnType<typeof tableReads>;

function tableReads(database: DatabaseSync, table: (typeof tables)[number]) {
  const read = (rest: string) => bigNumbers(database.prepare(`SELECT * FROM ${table} ${rest}`));
  return {
    byNo: read("WHERE no = ?"),
    byId: read("WHERE meter_id = ? ORDER BY no DESC LIMIT 1"),
    range: read("WHERE no >= ? AND no < ?"),
    last: read("ORDER BY no DESC"),
    put: database.prepare(`INSERT OR REPLACE INTO ${table} VALUES (?, ?, ?, ?)`),
  };
}

function storedMeter(row: Row): StoredMeter {
  const channels = JSON.parse(String(row["channels"])) as StoredChannel[];
  return { no: Number(row["no"]), meterId: String(row["meter_id"]), channels };
}

function damagedRow(no: number, copy: StoredMeter | undefined): Parameters<TellSeriesRow>[0] {
  return {
    where: `meter number ${no}`,
    detail:
      copy === undefined
        ? "which meter and channels these are is not as it was written, nor is its copy"
        : `which channels ${copy.meterId} has is not as it was written; its copy is used`,
    help:
      copy === undefined
        ? "Its readings cannot be read; when it reports it is met anew. Restore a backup, or make the series again from the log: npm run repair -- --rebuild-series"
        : "Nothing is lost. It is written anew when the meter has a new channel; npm run repair -- --rebuild-series writes all anew.",
    meterId: copy?.meterId ?? null,
    lost: copy === undefined ? null : 0,
  };
}
