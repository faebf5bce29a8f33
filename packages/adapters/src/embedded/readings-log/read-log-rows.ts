import type { DatabaseSync } from "node:sqlite";
import { damageId } from "@meterbook/core/domain/damage/damage";
import { frameDamage } from "@meterbook/core/domain/damage/frame-damage";
import type { LogFrame } from "@meterbook/core/ports/readings-log";
import type { DamageTeller } from "../../report-batches/read-frame.ts";
import { readFrame } from "../../report-batches/read-frame.ts";
import { frameKeys } from "./frame-key.ts";
import { bytesOf, type FrameRow, frameRow, isSound, logEnd, rowChecksum } from "./readings-log-database.ts";

export interface ReadOptions extends DamageTeller {
  readonly partition: number;
  /** Frames of a batch end here; one frame may be larger. */
  readonly batchBytesMax: number;
}

/** SQLITE_CORRUPT and SQLITE_NOTADB: a page of the file is damaged. */
const corruptCodes = new Set([11, 26]);
/** So many positions are asked for one by one, where a page is damaged, before others have a turn. */
const singlesMax = 1000;

const rowColumns = "position, appended_at_ms, readings_total, reports_total, checksum";

/**
 * Judges a row and reads its frame; undefined where the row stands under a place that is not its own and has no part
 * here. `expected`: the key that is next.
 */
function rowReader(database: DatabaseSync, options: ReadOptions) {
  const { partition } = options;
  const { first } = frameKeys(partition);
  const before = database.prepare(
    `SELECT ${rowColumns} FROM frame WHERE position >= ? AND position < ? ORDER BY position DESC LIMIT 1`,
  );

  /** How many readings the log counted for a frame, where its row and the one before it are sound. */
  function countedFor({ position, readings }: FrameRow): number | undefined {
    const row = before.get(first, position);
    if (row === undefined) return position === first ? readings : undefined;
    return isSound(row) ? readings - frameRow(row).readings : undefined;
  }

  return function frameOf(row: Record<string, unknown>, expected: number): LogFrame | undefined {
    const found = frameRow(row);
    const body = bytesOf(row["body"]);
    if (isSound(row)) {
      const raw = { partition, offset: found.position - first, appendedAtMs: found.appendedAtMs, body };
      return readFrame({ ...raw, counted: () => countedFor(found) }, options);
    }
    const isMoved = rowChecksum({ ...found, position: expected }) === Number(row["checksum"]);
    const place = isMoved ? expected : found.position;
    const why = isMoved ? `it is the frame of position ${expected - first}` : "its numbers are not those written";
    tellRow(options, found.position - first, why);
    if (!isMoved && place !== expected) return undefined;
    const appendedAtMs = isMoved ? found.appendedAtMs : options.nowMs();
    return readFrame({ partition, offset: place - first, appendedAtMs, body, counted: () => undefined }, options);
  };
}

function tellRow({ partition, damaged, nowMs }: ReadOptions, position: number, text: string): void {
  const where = `partition ${partition} row ${position}`;
  damaged({
    id: damageId("readings-log", where),
    place: "readings-log",
    code: "checksum_mismatch",
    where,
    detail: `the row of a frame in log.db is damaged: ${text}`,
    help: "Nothing is lost where the frame itself is not named as well.",
    meterId: null,
    period: null,
    lost: 0,
    foundAtMs: nowMs(),
  });
}

/**
 * Reads frames from a position on. What is damaged is told and set aside, and its place is kept by a frame without
 * reports: whoever follows the log moves on.
 */
export function frameReads(database: DatabaseSync, options: ReadOptions): (position: number) => LogFrame[] {
  const from = database.prepare(
    `SELECT ${rowColumns}, body FROM frame WHERE position >= ? AND position < ? ORDER BY position`,
  );
  const single = database.prepare(`SELECT ${rowColumns}, body FROM frame WHERE position = ?`);
  const frameOf = rowReader(database, options);
  const end = logEnd(database);
  const { partition, batchBytesMax } = options;
  const { first, next } = frameKeys(partition);

  function together(position: number): LogFrame[] {
    const frames: LogFrame[] = [];
    let bytes = 0;
    for (const row of from.iterate(first + position, next)) {
      bytes += bytesOf(row["body"]).length;
      if (bytes > batchBytesMax && frames.length > 0) break;
      const last = frames.at(-1);
      const frame = frameOf(row, first + (last === undefined ? position : last.offset + 1));
      if (frame !== undefined) frames.push(frame);
    }
    return frames;
  }

  /** Where a page is damaged, what stands on the others is had one by one. */
  function oneByOne(position: number): LogFrame[] {
    const frames: LogFrame[] = [];
    const last = Math.min(end(partition).end, position + singlesMax);
    for (let offset = position; offset < last; offset += 1) {
      try {
        const row = single.get(first + offset);
        const frame = row === undefined ? undefined : frameOf(row, first + offset);
        if (frame !== undefined) frames.push(frame);
      } catch (error) {
        if (!isCorrupt(error)) throw error;
        const detail = "the page of log.db that holds it is damaged";
        const fault = { code: "record_unreadable", detail, meterId: null, lost: null } as const;
        options.damaged(frameDamage({ partition, offset }, fault, options.nowMs()));
        frames.push({ partition, offset, appendedAtMs: options.nowMs(), reports: [] });
      }
    }
    return frames;
  }

  return (position) => {
    try {
      return together(position);
    } catch (error) {
      if (!isCorrupt(error)) throw error;
      return oneByOne(position);
    }
  };
}

export function isCorrupt(error: unknown): boolean {
  const code = (error as { errcode?: unknown }).errcode;
  return typeof code === "number" && corruptCodes.has(code & 0xff);
}
