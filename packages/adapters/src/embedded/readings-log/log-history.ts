import type { DatabaseSync } from "node:sqlite";
import type { LogHistory } from "@meterbook/core/ports/readings-log";
import { frameReads } from "./read-log-rows.ts";
import { frameRow, logEnd } from "./readings-log-database.ts";

/** So much is read in one go: some milliseconds. */
const bytesMax = 512 * 1024;

/** Reads beside the follower, which tells of what is damaged; here only that something is. */
export function logHistory(database: DatabaseSync, partition: number, nowMs: () => number): LogHistory {
  let faulty = false;
  const damaged = () => {
    faulty = true;
  };
  const read = frameReads(database, { partition, batchBytesMax: bytesMax, damaged, nowMs });
  const numbers = "position, appended_at_ms, readings_total, reports_total, checksum";
  const oldest = database.prepare(`SELECT ${numbers} FROM frame ORDER BY position LIMIT 1`);
  const next = database.prepare(`SELECT ${numbers} FROM frame WHERE position >= ? ORDER BY position LIMIT 1`);
  const end = logEnd(database);

  return {
    async first() {
      const row = oldest.get();
      if (row === undefined) return undefined;
      const { position, appendedAtMs } = frameRow(row);
      return { offset: position, appendedAtMs };
    },
    async offsetAt(appendedAtMs) {
      let low = Number(oldest.get()?.["position"] ?? 0);
      let high = end().end;
      while (low < high) {
        const middle = Math.floor((low + high) / 2);
        const row = next.get(middle);
        if (row !== undefined && frameRow(row).appendedAtMs < appendedAtMs) low = middle + 1;
        else high = middle;
      }
      return low;
    },
    async frames(from) {
      faulty = false;
      const frames = read(from);
      return { frames, faulty };
    },
  };
}
