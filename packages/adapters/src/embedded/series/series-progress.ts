import type { DatabaseSync } from "node:sqlite";
import type { Progress } from "@meterbook/core/ports/series-store";
import { noProgress } from "@meterbook/core/ports/series-store";
import { bigNumbers, cellsChecksum, isIntact } from "../../sqlite-views/file/row-checksum.ts";
import type { TellSeriesRow } from "./series-damage.ts";

/** Twice, in tables of their own and so on pages of their own: where one is damaged the other is gone by. */
const tables = ["progress", "progress_copy"] as const;

export const progressSchema = tables
  .map(
    (table) =>
      `CREATE TABLE IF NOT EXISTS ${table} (partition INTEGER PRIMARY KEY, body TEXT NOT NULL, checksum INTEGER NOT NULL);`,
  )
  .join("\n");

/** The columns that the checksum covers. */
export const progressColumns = ["partition", "body"] as const;

/** Progress of the one partition of a file, beside the readings that it speaks of. */
export function progressWrites(database: DatabaseSync, tell: TellSeriesRow, partition = 0) {
  const sets = tables.map((table) => database.prepare(`INSERT OR REPLACE INTO ${table} VALUES (?, ?, ?)`));
  let current = readProgress(database, tell, partition)();
  return {
    current: () => current,
    /** `commit` ends the transaction that this is part of. */
    record(next: Progress, commit: () => void = () => undefined): void {
      const cells = [partition, JSON.stringify(next)] as const;
      const checksum = cellsChecksum(cells);
      database.exec("SAVEPOINT progress");
      try {
        for (const set of sets) set.run(...cells, checksum);
        database.exec("RELEASE progress");
      } catch (error) {
        if (database.isTransaction) database.exec("ROLLBACK TO progress; RELEASE progress");
        throw error;
      }
      commit();
      current = next;
    },
  };
}

/** What an earlier version did not record is as at the beginning. */
function progressIn(text: string): Progress {
  const recorded = JSON.parse(text) as Progress;
  return { ...noProgress, ...recorded, counts: { ...noProgress.counts, ...recorded.counts } };
}

export function readProgress(database: DatabaseSync, tell: TellSeriesRow, partition = 0): () => Progress {
  const damagedRow = (table: string, isLast: boolean) => damagedProgress(`${table} of partition ${partition}`, isLast);
  const gets = tables.map((table) =>
    bigNumbers(database.prepare(`SELECT partition, body, checksum FROM ${table} WHERE partition = ?`)),
  );
  return () => {
    const damaged: string[] = [];
    for (const [index, get] of gets.entries()) {
      const row = get.get(partition);
      if (row === undefined) continue;
      if (isIntact(row, progressColumns)) {
        for (const table of damaged) tell(damagedRow(table, false));
        return progressIn(String(row["body"]));
      }
      damaged.push(tables[index] as string);
    }
    for (const table of damaged) tell(damagedRow(table, true));
    return noProgress;
  };
}

function damagedProgress(where: string, isLast: boolean): Parameters<TellSeriesRow>[0] {
  return {
    where,
    detail: `how far the store is, in table ${where.split(" ")[0]}, is not as it was written${isLast ? ", nor is its copy" : "; its copy is used"}`,
    help: isLast
      ? "The log is taken in again from its beginning, which changes no reading; counts begin anew. A backup has the old ones."
      : "Nothing is lost: both are written anew with the next batch.",
    lost: isLast ? null : 0,
  };
}
