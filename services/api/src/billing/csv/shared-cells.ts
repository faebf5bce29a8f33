import { periodName } from "@meterbook/core/domain/snapshot/snapshot";
import type { RevisionRecord } from "@meterbook/core/ports/snapshot-ledger";
import { type Cursor, latinText, readEnd, readUnsigned } from "@meterbook/core/records/protobuf-cursor";
import { csvCell } from "../../http/answers/csv-cell.ts";
import type { RowWriter } from "../../http/answers/row-writer.ts";

const hashBytes = 32;
const hashPrefix = Buffer.from("sha256:");
/** The digits of all bytes, two each. */
const hexDigits = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0")).join(""));
const comma = 0x2c;

/**
 * Writes the cells that all rows of a record share, from the bytes at the front of the record. What lies between the
 * ids and the hash is the same in nearly all records of an export, so it is written once and then copied. Answers false
 * for a record whose fields are others, or that stands under another key than its own.
 */
export function sharedCells(
  writer: RowWriter,
  lifecycles: readonly string[],
): (cursor: Cursor, entry: RevisionRecord) => boolean {
  let fields = new Uint8Array();
  let cells = new Uint8Array();
  let ofPeriod = -1;
  let ofRevision = -1;

  /** From the period up to the hash's bytes; answers whether it is as it is written today, and the entry's. */
  function readFields(cursor: Cursor, entry: RevisionRecord): boolean {
    const numbers: number[] = [];
    for (const tag of [0x18, 0x20, 0x28, 0x30, 0x38]) {
      if (readUnsigned(cursor) !== tag) return false;
      numbers.push(readUnsigned(cursor));
    }
    const [period, boundary, revision, lifecycle, issuedAtMs] = numbers as [number, number, number, number, number];
    if (readUnsigned(cursor) !== 0x42) return false;
    const end = readEnd(cursor);
    const reason = latinText(cursor, cursor.at, end);
    cursor.at = end;
    if (readUnsigned(cursor) !== 0x4a || readUnsigned(cursor) !== hashBytes) return false;
    const name = lifecycles[lifecycle];
    if (name === undefined || period !== entry.period || revision !== entry.revision) return false;
    if (!(boundary <= 253_402_300_799 && issuedAtMs <= 253_402_300_799_999)) return false;
    ofPeriod = period;
    ofRevision = revision;
    writer.text(periodName(period));
    writer.amount(revision);
    writer.text(name);
    writer.instant(boundary);
    writer.instantMs(issuedAtMs);
    writer.text(csvCell(reason));
    return true;
  }

  function between(cursor: Cursor, entry: RevisionRecord): boolean {
    if (entry.period === ofPeriod && entry.revision === ofRevision && isNext(cursor, fields)) {
      cursor.at += fields.length;
      writer.bytes(cells);
      return true;
    }
    const [from, start] = [cursor.at, writer.length];
    if (!readFields(cursor, entry)) return false;
    fields = Uint8Array.from(cursor.bytes.subarray(from, cursor.at));
    cells = Uint8Array.from(writer.writtenFrom(start));
    return true;
  }

  return (cursor, entry) => {
    if (readUnsigned(cursor) !== 0x0a || !isNextText(cursor, entry.meterId)) return false;
    writer.text(entry.meterId);
    if (cursor.bytes[cursor.at] === 0x12) {
      cursor.at += 1;
      const end = readEnd(cursor);
      writer.text(latinText(cursor, cursor.at, end));
      cursor.at = end;
    } else writer.text(entry.meterId);
    if (!between(cursor, entry) || cursor.end - cursor.at < hashBytes) return false;
    writeHash(writer, cursor);
    return true;
  };
}

function isNext({ bytes, at }: Cursor, wanted: Uint8Array): boolean {
  for (let i = 0; i < wanted.length; i += 1) if (bytes[at + i] !== wanted[i]) return false;
  return true;
}

function isNextText(cursor: Cursor, text: string): boolean {
  const { bytes } = cursor;
  const end = readEnd(cursor);
  const start = cursor.at;
  if (end - start !== text.length) return false;
  for (let i = 0; i < text.length; i += 1) if (bytes[start + i] !== text.charCodeAt(i)) return false;
  cursor.at = end;
  return true;
}

const hashCell = new Uint8Array(hashPrefix.length + 2 * hashBytes + 1);
hashCell.set(hashPrefix);
hashCell[hashCell.length - 1] = comma;

function writeHash(writer: RowWriter, cursor: Cursor): void {
  let at = hashPrefix.length;
  for (let i = 0; i < hashBytes; i += 1) {
    const digits = 2 * (cursor.bytes[cursor.at + i] as number);
    hashCell[at] = hexDigits[digits] as number;
    hashCell[at + 1] = hexDigits[digits + 1] as number;
    at += 2;
  }
  cursor.at += hashBytes;
  writer.bytes(hashCell);
}
