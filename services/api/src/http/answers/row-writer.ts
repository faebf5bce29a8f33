import {
  cellBytesMax,
  instantCells,
  type PutInstant,
  putAmount,
  putBytes,
  putEmpty,
  putInstantMs,
} from "./cell-bytes.ts";

/**
 * Rows as bytes. A template literal of twenty cells is a tree of pieces that has to be flattened afterwards, and
 * that costs more than all else in an export; this writes each byte once, and copies what rows have in common.
 */
export interface RowWriter {
  /** Bytes since the last `take`. */
  readonly length: number;
  /** Text as it is. */
  put(text: string): void;
  /** A cell of text, quoted by the caller where it must be, and the comma after it. */
  text(cell: string): void;
  /** A whole number of 0 or more; an empty cell for null. */
  amount(cell: number | null): void;
  /** `YYYY-MM-DDTHH:MM:SSZ` of whole seconds since 1970 UTC; an empty cell for null. */
  instant(cell: number | null): void;
  /** The same from milliseconds, with three digits more where they are not zero. */
  instantMs(cell: number): void;
  /** Ends the row: the last comma becomes a line feed. */
  endRow(): void;
  /** Once more the bytes from `start` to `end`. */
  again(start: number, end: number): void;
  /** Bytes as they are. */
  bytes(whole: Uint8Array): void;
  /**
   * Where as many bytes as that may be written from `length` on, by the functions of cell-bytes.ts; `wrote` says up to
   * where they were.
   */
  room(bytesMax: number): Uint8Array;
  wrote(end: number): void;
  readonly putInstant: PutInstant;
  /** What was written from `start` on: good until something is written or taken. */
  writtenFrom(start: number): Uint8Array;
  /** Takes back what was written behind this length. */
  cut(length: number): void;
  /** What was written, in memory of its own; the writer begins anew. */
  take(): Buffer;
}

const comma = 0x2c;
const lineFeed = 0x0a;

/** @param room how much it has at first; it grows */
export function rowWriter(room = 64 * 1024): RowWriter {
  let bytes = Buffer.allocUnsafe(room);
  let length = 0;
  const putInstant = instantCells();

  function reserve(more: number): Buffer {
    if (length + more > bytes.length) {
      const larger = Buffer.allocUnsafe(Math.max(bytes.length * 2, length + more));
      bytes.copy(larger, 0, 0, length);
      bytes = larger;
    }
    return bytes;
  }

  function text(cell: string): void {
    const into = reserve(cell.length * 3 + 1);
    let at = length;
    for (let i = 0; i < cell.length; i += 1) {
      const code = cell.charCodeAt(i);
      if (code > 0x7f) {
        at = length + into.write(cell, length);
        break;
      }
      into[at++] = code;
    }
    into[at] = comma;
    length = at + 1;
  }

  return {
    get length() {
      return length;
    },
    put(whole) {
      length += reserve(whole.length * 3).write(whole, length);
    },
    text,
    amount(cell) {
      const into = reserve(cellBytesMax);
      length = cell === null ? putEmpty(into, length) : putAmount(into, length, cell);
    },
    instant(cell) {
      const into = reserve(cellBytesMax);
      length = cell === null ? putEmpty(into, length) : putInstant(into, length, cell);
    },
    instantMs(cell) {
      length = putInstantMs(reserve(cellBytesMax), length, cell, putInstant);
    },
    endRow() {
      bytes[length - 1] = lineFeed;
    },
    again(start, end) {
      reserve(end - start).copyWithin(length, start, end);
      length += end - start;
    },
    bytes(whole) {
      length = putBytes(reserve(whole.length), length, whole);
    },
    room: reserve,
    wrote(end) {
      length = end;
    },
    putInstant,
    writtenFrom: (start) => bytes.subarray(start, length),
    cut(end) {
      length = end;
    },
    take() {
      const taken = Buffer.copyBytesFrom(bytes, 0, length);
      length = 0;
      return taken;
    },
  };
}
