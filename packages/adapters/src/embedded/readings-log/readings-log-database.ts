import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { crc32 } from "node:zlib";
import { type CheckedFrame, checkFrame } from "@meterbook/core/records/frame-protobuf";
import type { FrameToWrite } from "../../report-batches/report-batcher.ts";
import { inTransaction } from "../../sqlite-views/file/in-transaction.ts";
import { syncDirectory } from "../../sqlite-views/file/sync-directory.ts";
import { makeTables } from "../database/file-version.ts";
import { frameKeys } from "./frame-key.ts";

/**
 * The file of the embedded readings log: one row per frame. `position` holds the partition and the offset in it in one
 * number (frame-key.ts). The running totals of the partition stand in the frame's own row, so they are exact whatever
 * happens, and cost no second row. `body` comes last: a row's numbers are read without it.
 */
const schema = `
  CREATE TABLE IF NOT EXISTS frame (position INTEGER PRIMARY KEY, appended_at_ms INTEGER NOT NULL, readings_total INTEGER NOT NULL,
    reports_total INTEGER NOT NULL, checksum INTEGER NOT NULL, body BLOB NOT NULL);
`;

/** What a partition holds: totals since it was made, and the offset after the newest frame. */
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
  makeTables(database, "log", schema);
  syncDirectory(dataDir);
  return database;
}

/** The numbers of a frame's row that are about the log, and not about the frame. */
export interface FrameRow {
  /** The row's key. */
  readonly position: number;
  readonly appendedAtMs: number;
  readonly readings: number;
  readonly reports: number;
}

const covered = new Float64Array(4);
const coveredBytes = new Uint8Array(covered.buffer);

/** The checksum over a row's numbers; its body has one of its own (frame-protobuf.ts). */
export function rowChecksum({ position, appendedAtMs, readings, reports }: FrameRow): number {
  covered[0] = position;
  covered[1] = appendedAtMs;
  covered[2] = readings;
  covered[3] = reports;
  return crc32(coveredBytes);
}

export function frameRow(row: Record<string, unknown>): FrameRow {
  return {
    position: Number(row["position"]),
    appendedAtMs: Number(row["appended_at_ms"]),
    readings: Number(row["readings_total"]),
    reports: Number(row["reports_total"]),
  };
}

/** Whether a row's numbers are those that were written. */
export function isSound(row: Record<string, unknown>): boolean {
  return Number(row["checksum"]) === rowChecksum(frameRow(row));
}

const rowColumns = "position, appended_at_ms, readings_total, reports_total, checksum";

/** Numbers that are damaged are not gone on with: they are counted again from the newest ones that are sound. */
export function logEnd(database: DatabaseSync): (partition: number) => LogEnd {
  const within = "FROM frame WHERE position >= ? AND position < ? ORDER BY position DESC";
  const newest = database.prepare(`SELECT ${rowColumns} ${within} LIMIT 1`);
  const backwards = database.prepare(`SELECT ${rowColumns}, body ${within}`);

  function counted(first: number, next: number, end: number): LogEnd {
    let [readings, reports] = [0, 0];
    for (const row of backwards.iterate(first, next)) {
      if (isSound(row)) {
        const sound = frameRow(row);
        return { readings: sound.readings + readings, reports: sound.reports + reports, end };
      }
      const frame = checkFrame(bytesOf(row["body"]));
      readings += readingsIn(frame);
      reports += frame.reports.length;
    }
    return { readings, reports, end };
  }

  return (partition) => {
    const { first, next } = frameKeys(partition);
    const row = newest.get(first, next);
    if (row === undefined) return { readings: 0, reports: 0, end: 0 };
    const { readings, reports, position } = frameRow(row);
    const end = position + 1 - first;
    return isSound(row) ? { readings, reports, end } : counted(first, next, end);
  };
}

/** A damaged column may hold another type of value. */
export function bytesOf(value: unknown): Uint8Array {
  return value instanceof Uint8Array ? value : Buffer.from(String(value));
}

export function readingsIn({ reports }: Pick<CheckedFrame, "reports">): number {
  return reports.reduce((sum, { readings }) => sum + readings, 0);
}

export interface FrameWrites {
  /**
   * All of the frames or none, on disk when it returns; answers the end of each partition that has grown. Throws
   * SQLite's error.
   */
  append(frames: readonly FrameToWrite[], atMs: number): ReadonlyMap<number, LogEnd>;
  /** Deletes some of the frames before an offset that are older than `beforeMs`; answers how many. */
  trim(partition: number, offset: number, beforeMs: number): number;
}

/** A trim of more would keep an append waiting. */
const framesPerTrimMax = 16;

export function frameWrites(database: DatabaseSync): FrameWrites {
  const endOf = logEnd(database);
  const insert = database.prepare(
    "INSERT INTO frame (position, appended_at_ms, readings_total, reports_total, checksum, body) VALUES (?, ?, ?, ?, ?, ?)",
  );
  const oldest = database.prepare(
    "SELECT position, appended_at_ms FROM frame WHERE position >= ? AND position < ? ORDER BY position LIMIT ?",
  );
  const remove = database.prepare("DELETE FROM frame WHERE position >= ? AND position <= ?");

  function insertAll(frames: readonly FrameToWrite[], atMs: number): ReadonlyMap<number, LogEnd> {
    const ends = new Map<number, LogEnd>();
    for (const frame of frames) {
      const { readings, reports, end } = ends.get(frame.partition) ?? endOf(frame.partition);
      const row = {
        position: frameKeys(frame.partition).first + end,
        appendedAtMs: atMs,
        readings: readings + frame.readings,
        reports: reports + frame.reports,
      };
      insert.run(row.position, atMs, row.readings, row.reports, rowChecksum(row), frame.bytes);
      ends.set(frame.partition, { readings: row.readings, reports: row.reports, end: end + 1 });
    }
    return ends;
  }

  return {
    append: (frames, atMs) => inTransaction(database, () => insertAll(frames, atMs)),
    trim: (partition, offset, beforeMs) =>
      inTransaction(database, () => {
        const { first } = frameKeys(partition);
        // The frame before the offset stays, and so does the newest: they hold the totals.
        const before = first + Math.min(offset, endOf(partition).end) - 1;
        const old = oldest
          .all(first, before, framesPerTrimMax)
          .filter((row) => Number(row["appended_at_ms"]) < beforeMs);
        const last = old.at(-1);
        return last === undefined ? 0 : Number(remove.run(first, Number(last["position"])).changes);
      }),
  };
}
