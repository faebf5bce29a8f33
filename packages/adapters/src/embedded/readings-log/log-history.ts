import type { DatabaseSync } from "node:sqlite";
import type { LogHistory } from "@meterbook/core/ports/readings-log";
import { frameKeys } from "./frame-key.ts";
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
  const from = database.prepare(
    `SELECT ${numbers} FROM frame WHERE position >= ? AND position < ? ORDER BY position LIMIT 1`,
  );
  const keys = frameKeys(partition);
  const next = (offset: number) => from.get(keys.first + offset, keys.next);
  const end = logEnd(database);

  return {
    async first() {
      const row = next(0);
      if (row === undefined) return undefined;
      const { position, appendedAtMs } = frameRow(row);
      return { offset: position - keys.first, appendedAtMs };
    },
    async offsetAt(appendedAtMs) {
      let low = Number(next(0)?.["position"] ?? keys.first) - keys.first;
      let high = end(partition).end;
      while (low < high) {
        const middle = Math.floor((low + high) / 2);
        const row = next(middle);
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
