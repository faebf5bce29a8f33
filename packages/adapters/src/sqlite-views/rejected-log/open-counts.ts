import type { DatabaseSync } from "node:sqlite";
import type { RejectedLog } from "@meterbook/core/ports/rejected-log";
import { bigNumbers, cellsChecksum, isIntact } from "../file/row-checksum.ts";
import type { RejectionEars } from "./rejection-damage.ts";

/**
 * Open refusals by reason, including those that are too old to be kept. If a count is damaged, it can be made again
 * only from the refusals that are kept, and that is told.
 */
const countColumns = ["reason", "count"] as const;

const recountSql = "SELECT reason, count(*) AS count FROM refusal WHERE replayed_at_ms IS NULL";

/** Changes a count, inside the caller's transaction and after the refusals that it counts have changed. */
export function openCounts(database: DatabaseSync, ears: RejectionEars): (reason: string, by: number) => void {
  const select = bigNumbers(database.prepare("SELECT * FROM open_count WHERE reason = ?"));
  const recount = database.prepare(`${recountSql} AND reason = ?`);
  const put = database.prepare("INSERT OR REPLACE INTO open_count VALUES (?, ?, ?)");

  return (reason, by) => {
    const row = select.get(reason);
    const isSound = row !== undefined && isIntact(row, countColumns);
    if (row !== undefined && !isSound) ears.count(reason);
    const count = isSound ? Number(row["count"]) + by : Number(recount.get(reason)?.["count"] ?? 0);
    put.run(reason, count, cellsChecksum([reason, count]));
  };
}

export function openTotals(database: DatabaseSync, ears: RejectionEars): RejectedLog["totals"] {
  const counts = bigNumbers(database.prepare("SELECT * FROM open_count ORDER BY reason"));
  const recount = database.prepare(`${recountSql} GROUP BY reason`);

  return async () => {
    const rows = counts.all();
    const sound = rows.filter((row) => isIntact(row, countColumns));
    const byReason = new Map(sound.map(({ reason, count }) => [String(reason), Number(count)]));
    if (sound.length < rows.length) {
      for (const row of rows) if (!sound.includes(row)) ears.count(String(row["reason"]));
      for (const { reason, count } of recount.all())
        if (!byReason.has(String(reason))) byReason.set(String(reason), Number(count));
    }
    const open = [...byReason].filter(([, count]) => count > 0).sort(([a], [b]) => (a < b ? -1 : 1));
    return { open: open.reduce((sum, [, count]) => sum + count, 0), byReason: Object.fromEntries(open) };
  };
}
