import { closeSync, fsyncSync, openSync, statSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { makeTables } from "../database/file-version.ts";
import { conflictSchema } from "./conflict-table.ts";
import { epoch } from "./days/reading-block.ts";
import { meterSchema } from "./meter-table.ts";
import { progressSchema } from "./series-progress.ts";

export const slotSeconds = 900;
export const daySeconds = 86_400;
export const slotsOfDay = daySeconds / slotSeconds;

/**
 * A hot key is slot (21 bits, to the year 2060), meter (22 bits) and second within the slot (10 bits): a safe integer.
 */
const slotFactor = 2 ** 32;
const meterFactor = 2 ** 10;
export const hotDayFactor = slotFactor * slotsOfDay;

/**
 * The days that have hot blocks, read from the keys of the blocks, with one step a day. There is no list of days that
 * could disagree with the blocks.
 */
const hotDaySchema = `
  CREATE VIEW IF NOT EXISTS hot_day (day) AS WITH RECURSIVE found(day) AS (
    SELECT min(id) / ${hotDayFactor} FROM hot
    UNION ALL SELECT (SELECT min(id) / ${hotDayFactor} FROM hot WHERE id >= (found.day + 1) * ${hotDayFactor}) FROM found WHERE day IS NOT NULL)
  SELECT day FROM found WHERE day IS NOT NULL;`;

/**
 * The file of the embedded series store, or of a shard of it.
 *
 * `hot` takes what arrives, keyed by quarter-hour first, so that a fleet's reports of one quarter land beside each
 * other (keyed by meter first, inserts collapse once the file outgrows the cache). `sealed` holds one block per meter
 * and UTC day, which is what curves read. A day moves from hot to sealed when it is over and quiet.
 * `readings` counts what a block holds: where the block is damaged, it is known how much is lost.
 */
const schema = `
  ${meterSchema}
  CREATE TABLE IF NOT EXISTS hot (id INTEGER PRIMARY KEY, readings INTEGER NOT NULL, data BLOB NOT NULL);
  CREATE TABLE IF NOT EXISTS sealed (id INTEGER PRIMARY KEY, readings INTEGER NOT NULL, data BLOB NOT NULL);
  ${conflictSchema}
  CREATE TABLE IF NOT EXISTS set_aside (place TEXT PRIMARY KEY, day INTEGER NOT NULL, data BLOB NOT NULL, lost INTEGER NOT NULL) WITHOUT ROWID;
  ${progressSchema}
  ${hotDaySchema}
`;

export function openSeriesDatabase(dataDir: string): DatabaseSync {
  const database = new DatabaseSync(join(dataDir, "series.db"), { timeout: 10_000 });
  database.exec("PRAGMA journal_mode = WAL");
  // Not FULL: what a power cut takes back, it takes with its log position, and the readings log gives it again.
  database.exec("PRAGMA synchronous = NORMAL; PRAGMA cache_size = -131072; PRAGMA wal_autocheckpoint = 8000");
  makeTables(database, "series", schema);
  return database;
}

/**
 * Makes durable what is committed by now: before the log forgets what the store says to have. Of the write-ahead log
 * only, which holds all that SQLite has not synced itself; to open and close the database file would drop this
 * process's locks on it.
 */
export function syncSeries(dataDir: string): void {
  const path = join(dataDir, "series.db-wal");
  if (statSync(path, { throwIfNoEntry: false }) === undefined) return;
  const file = openSync(path, "r");
  try {
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}

/** A second connection that only reads; the file must exist. */
export function openSeriesDatabaseToRead(dataDir: string): DatabaseSync {
  const database = new DatabaseSync(join(dataDir, "series.db"), { readOnly: true, timeout: 10_000 });
  database.exec("PRAGMA cache_size = -32768");
  return database;
}

export const meterNoMax = 2 ** 22 - 1;
const dayFactor = 2 ** 15;

export function dayOf(at: number): number {
  return Math.floor((at - epoch) / daySeconds);
}

/** The day of an instant, or the nearest that a key can hold: beyond lie the days of the next meter. */
export function dayWithin(at: number): number {
  return Math.min(Math.max(dayOf(at), 0), dayFactor - 1);
}

export function hotId(meterNo: number, at: number): number {
  const since = at - epoch;
  const slot = Math.floor(since / slotSeconds);
  return slot * slotFactor + meterNo * meterFactor + (since - slot * slotSeconds);
}

/** Keys of a slot that no instant has: what comes for a damaged block is put beside it. */
export function spareHotIds(id: number): readonly number[] {
  const first = id - (id % meterFactor);
  return Array.from({ length: meterFactor - slotSeconds }, (_, index) => first + slotSeconds + index);
}

export function meterNoOfHotId(id: number): number {
  return Math.floor((id % slotFactor) / meterFactor);
}

/** The least hot key of `meterNo` in the first slot of `day`; each further slot adds `hotSlotStride`. */
export function firstHotId(meterNo: number, day: number): number {
  return day * slotsOfDay * slotFactor + meterNo * meterFactor;
}

export const hotSlotStride = slotFactor;
export const hotMeterStride = meterFactor;

export function sealedId(meterNo: number, day: number): number {
  return meterNo * dayFactor + day;
}

/** The keys of all sealed days of a meter. */
export function sealedRange(meterNo: number): readonly [first: number, last: number] {
  return [sealedId(meterNo, 0), sealedId(meterNo, dayFactor - 1)];
}

export function meterNoOfSealedId(id: number): number {
  return Math.floor(id / dayFactor);
}

export function dayOfSealedId(id: number): number {
  return id % dayFactor;
}

export function dayOfHotId(id: number): number {
  return Math.floor(id / slotFactor / slotsOfDay);
}

/**
 * Hot blocks of the meters `?1 .. ?1 + ?3` in the slots of one day, as one statement: a seek per slot inside SQLite
 * costs a tenth of a seek per statement. Parameters: first key, first key of the day after, width of the key range.
 */
export const hotOfDaySql = `
  WITH RECURSIVE slot(first) AS (VALUES (?1) UNION ALL SELECT first + ${slotFactor} FROM slot WHERE first + ${slotFactor} < ?2)
  SELECT hot.id, hot.data, hot.readings FROM slot CROSS JOIN hot WHERE hot.id BETWEEN slot.first AND slot.first + ?3 - 1`;

/** Sealed blocks of many meters. Parameters: a JSON list of their numbers, the first day and the last. */
export const sealedOfManySql = `
  SELECT sealed.id, sealed.data FROM json_each(?1) AS meter CROSS JOIN sealed
  WHERE sealed.id BETWEEN meter.value * ${dayFactor} + ?2 AND meter.value * ${dayFactor} + ?3`;
