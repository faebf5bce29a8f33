import { baseUnits, origins } from "@meterbook/core/domain/reading/reading";
import { faults, lifecycles, methods, openingBases, snapshotQualities } from "@meterbook/core/domain/snapshot/snapshot";
import type { RevisionRecord } from "@meterbook/core/ports/snapshot-ledger";
import type { Cursor } from "@meterbook/core/records/protobuf-cursor";
import { cursorOver, readEnd, readUnsigned } from "@meterbook/core/records/protobuf-cursor";
import { readRegister } from "@meterbook/core/records/register-names";
import { putAmount, putBytes, putEmpty } from "../../http/answers/cell-bytes.ts";
import type { RowWriter } from "../../http/answers/row-writer.ts";
import { sharedCells } from "./shared-cells.ts";

/** Fields of a row by their numbers in proto/meterbook/v1/snapshot.proto. */
const row = {
  register: 1,
  unit: 2,
  value: 3,
  valueQuality: 4,
  opening: 5,
  openingBasis: 6,
  consumption: 7,
  quality: 8,
  method: 9,
  origin: 10,
  readAt: 11,
  before: 12,
  after: 13,
  expected: 14,
  present: 15,
  fault: 16,
  openingAt: 17,
  carried: 18,
  from: 19,
  to: 20,
  findings: 21,
  estimate: 22,
} as const;
/** Behind them, of the messages within. */
const within = { beforeAt: 23, beforeValue: 24, afterAt: 25, afterValue: 26, low: 27, high: 28 } as const;
const cellCount = 29;

/** Fields that are instants, and those that are members of a list, which must be known. */
const instants = new Set<number>([row.readAt, row.openingAt, row.from, row.to]);
const members: ReadonlyMap<number, readonly string[]> = new Map<number, readonly string[]>([
  [row.unit, baseUnits],
  [row.openingBasis, openingBases],
  [row.quality, snapshotQualities],
  [row.valueQuality, snapshotQualities],
  [row.method, methods],
  [row.origin, origins],
  [row.fault, faults],
]);
/** As cells, by field and number. */
const memberCells = Array.from({ length: cellCount }, (_, field) =>
  members.get(field)?.map((name) => new Uint8Array(Buffer.from(`${name},`))),
);
/** More than all cells behind the register's name can have. */
const rowBytesMax = 1024;
/** The largest number that a field may hold, by field. */
const most = Array.from({ length: cellCount }, (_, field) => {
  const names = members.get(field);
  if (names !== undefined) return names.length - 1;
  return instants.has(field) ? 253_402_300_799 : Number.MAX_SAFE_INTEGER;
});

/**
 * Writes a record's rows of the export straight from its bytes: an export has a million rows, and most of its time went
 * into objects that were thrown away once they were written. Answers false for a record that is not just as it is
 * written here and today (a field more, a member that is not known); what is written of it is to be taken back then,
 * and it goes by way of a snapshot (snapshot-csv.ts).
 */
export function recordRows(writer: RowWriter): (entry: RevisionRecord) => boolean {
  const cells = new Float64Array(cellCount);
  const shared = sharedCells(writer, lifecycles);

  const { putInstant } = writer;

  function writeRow(register: string): void {
    writer.text(register);
    const into = writer.room(rowBytesMax);
    let at = putMember(into, writer.length, cells, row.unit);
    at = putCell(into, at, cells[row.value] as number);
    at = putCell(into, at, cells[row.opening] as number);
    at = putCell(into, at, cells[row.consumption] as number);
    at = putMember(into, at, cells, row.quality);
    at = putMember(into, at, cells, row.method);
    at = putMember(into, at, cells, row.origin);
    at = instant(into, at, cells[row.readAt] as number);
    at = instant(into, at, cells[within.beforeAt] as number);
    at = putCell(into, at, cells[within.beforeValue] as number);
    at = instant(into, at, cells[within.afterAt] as number);
    at = putCell(into, at, cells[within.afterValue] as number);
    at = instant(into, at, cells[row.openingAt] as number);
    at = putMember(into, at, cells, row.openingBasis);
    at = putMember(into, at, cells, row.fault);
    at = putCell(into, at, unfolded(cells[row.carried] as number));
    at = instant(into, at, cells[row.from] as number);
    at = instant(into, at, cells[row.to] as number);
    at = putCell(into, at, cells[within.low] as number);
    writer.wrote(putCell(into, at, cells[within.high] as number));
    writer.endRow();
  }

  function instant(into: Uint8Array, at: number, second: number): number {
    return second >= 0 ? putInstant(into, at, second) : putEmpty(into, at);
  }

  return (entry) => {
    const cursor = cursorOver(entry.record);
    let [start, end] = [writer.length, writer.length];
    if (!shared(cursor, entry)) return false;
    while (cursor.at < cursor.end) {
      const register = readUnsigned(cursor) === 0x52 ? readRow(cursor, cells) : undefined;
      if (register === undefined) return false;
      if (end === start) end = writer.length;
      else {
        const again = writer.length;
        writer.again(start, end);
        [start, end] = [again, writer.length];
      }
      writeRow(register);
    }
    // Without a row it has none in the export.
    return end > start;
  };
}

const noCell = new Uint8Array([0x2c]);

function putMember(into: Uint8Array, at: number, cells: Float64Array, field: number): number {
  return putBytes(into, at, memberCells[field]?.[cells[field] as number] ?? noCell);
}

/** What is not there is NaN. */
function putCell(into: Uint8Array, at: number, value: number): number {
  return Number.isNaN(value) ? putEmpty(into, at) : putAmount(into, at, value);
}

/** Of either sign, as protobuf's `sint64` has it. */
function unfolded(folded: number): number {
  return folded % 2 === 1 ? -(folded + 1) / 2 : folded / 2;
}

/** Answers the register; undefined where there is more or less in the row than what is known. */
function readRow(cursor: Cursor, cells: Float64Array): string | undefined {
  cells.fill(Number.NaN);
  const outerEnd = cursor.end;
  cursor.end = readEnd(cursor);
  if (readUnsigned(cursor) !== row.register * 8 + 2) return undefined;
  const register = readRegister(cursor).text;
  while (cursor.at < cursor.end) if (!readCell(cursor, cells)) return undefined;
  cursor.end = outerEnd;
  const isWhole = [row.unit, row.quality, row.method].every((field) => !Number.isNaN(cells[field]));
  return isWhole ? register : undefined;
}

function readCell(cursor: Cursor, cells: Float64Array): boolean {
  const tag = readUnsigned(cursor) | 0;
  const field = tag >>> 3;
  if ((tag & 7) === 2) return readWithin(cursor, field, cells);
  if ((tag & 7) !== 0 || field < row.unit || field > row.to || field === row.before || field === row.after)
    return false;
  const value = readUnsigned(cursor);
  cells[field] = value;
  return value <= (most[field] as number);
}

function readWithin(cursor: Cursor, field: number, cells: Float64Array): boolean {
  const end = readEnd(cursor);
  if (field === row.before) return readPair(cursor, end, cells, within.beforeAt);
  if (field === row.after) return readPair(cursor, end, cells, within.afterAt);
  if (field === row.estimate) return readEstimate(cursor, end, cells);
  cursor.at = end;
  return field === row.findings;
}

/** A reading: its instant, its value and its quality, which the export does not have. */
function readPair(cursor: Cursor, end: number, cells: Float64Array, at: number): boolean {
  if (readUnsigned(cursor) !== 0x08) return false;
  const instant = readUnsigned(cursor);
  if (readUnsigned(cursor) !== 0x10) return false;
  const value = readUnsigned(cursor);
  cells[at] = instant;
  cells[at + 1] = value;
  cursor.at = end;
  return instant <= (most[row.readAt] as number) && value <= Number.MAX_SAFE_INTEGER;
}

function readEstimate(cursor: Cursor, end: number, cells: Float64Array): boolean {
  while (cursor.at < end) {
    const tag = readUnsigned(cursor);
    if (tag === 0x12) cursor.at = readEnd(cursor);
    else if (tag % 8 === 0) {
      const value = readUnsigned(cursor);
      if (!(value <= Number.MAX_SAFE_INTEGER)) return false;
      if (tag === 0x18) cells[within.low] = value;
      else if (tag === 0x20) cells[within.high] = value;
    } else return false;
  }
  return cursor.at === end;
}
