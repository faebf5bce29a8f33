import { closeSync, fsyncSync, openSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import type { FrameToWrite } from "../frames/report-batcher.ts";

/**
 * The file of the embedded readings log: one row per frame. The running totals stand in the frame's own row, so they
 * are exact whatever happens, and cost no second row. `body` comes last: a row's numbers are read without it.
 */
const schema = `
  CREATE TABLE IF NOT EXISTS frame (position INTEGER PRIMARY KEY, appended_at_ms INTEGER NOT NULL, readings_total INTEGER NOT NULL,
    reports_total INTEGER NOT NULL, body BLOB NOT NULL);
  PRAGMA user_version = 1;
`;

/** What the log holds: totals since it was made, and the position after the newest frame. */
export interface LogEnd {
  readonly readings: number;
  readonly reports: number;
  readonly end: number;
}

/** Any number of connections in any threads may write and read. */
export function openReadingsLogDatabase(dataDir: string): DatabaseSync {
  const database = new DatabaseSync(join(dataDir, "log.db"), { timeout: 10_000 });
  database.exec("PRAGMA page_size = 8192; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL");
  database.exec("PRAGMA wal_autocheckpoint = 2000; PRAGMA journal_size_limit = 67108864");
  database.exec(schema);
  syncDirectory(dataDir);
  return database;
}

/** SQLite syncs its files, but a power cut could still take back that they were made. */
function syncDirectory(path: string): void {
  const directory = openSync(path, "r");
  try {
    fsyncSync(directory);
  } finally {
    closeSync(directory);
  }
}

export function logEnd(database: DatabaseSync): () => LogEnd {
  const newest = database.prepare(
    "SELECT position, readings_total, reports_total FROM frame ORDER BY position DESC LIMIT 1",
  );
  return () => {
    const row = newest.get();
    if (row === undefined) return { readings: 0, reports: 0, end: 0 };
    const number = (name: string) => Number(row[name]);
    return { readings: number("readings_total"), reports: number("reports_total"), end: number("position") + 1 };
  };
}

export interface FrameWrites {
  /** All of the frames or none, on disk when it returns. Throws SQLite's error. */
  append(frames: readonly FrameToWrite[], atMs: number): LogEnd;
  /** Deletes some of the frames before `position` that are older than `beforeMs`; answers how many. */
  trim(position: number, beforeMs: number): number;
}

/** A trim of more would keep an append waiting. */
const framesPerTrimMax = 16;

export function frameWrites(database: DatabaseSync): FrameWrites {
  const end = logEnd(database);
  const insert = database.prepare(
    "INSERT INTO frame (position, appended_at_ms, readings_total, reports_total, body) VALUES (?, ?, ?, ?, ?)",
  );
  const oldest = database.prepare(
    "SELECT position, appended_at_ms FROM frame WHERE position < ? ORDER BY position LIMIT ?",
  );
  const remove = database.prepare("DELETE FROM frame WHERE position <= ?");

  function inTransaction<Result>(work: () => Result): Result {
    database.exec("BEGIN IMMEDIATE");
    try {
      const result = work();
      database.exec("COMMIT");
      return result;
    } catch (error) {
      if (database.isTransaction) database.exec("ROLLBACK");
      throw error;
    }
  }

  function insertAll(frames: readonly FrameToWrite[], atMs: number): LogEnd {
    let { readings, reports, end: position } = end();
    for (const frame of frames) {
      readings += frame.readings;
      reports += frame.reports;
      insert.run(position, atMs, readings, reports, frame.bytes);
      position += 1;
    }
    return { readings, reports, end: position };
  }

  return {
    append: (frames, atMs) => inTransaction(() => insertAll(frames, atMs)),
    trim: (position, beforeMs) =>
      inTransaction(() => {
        // The frame before the position stays, and so does the newest: they hold the totals.
        const candidates = oldest.all(Math.min(position, end().end) - 1, framesPerTrimMax);
        const old = candidates.filter((row) => Number(row["appended_at_ms"]) < beforeMs);
        const last = old.at(-1);
        return last === undefined ? 0 : Number(remove.run(Number(last["position"])).changes);
      }),
  };
}
