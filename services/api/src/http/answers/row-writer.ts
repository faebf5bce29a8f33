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
  /** What was written, in memory of its own; the writer begins anew. */
  take(): Buffer;
}

const comma = 0x2c;
const minus = 0x2d;
const lineFeed = 0x0a;
const point = 0x2e;
const zulu = 0x5a;
const zero = 0x30;
const amountBytesMax = 18;
const instantBytesMax = 32;

export function rowWriter(): RowWriter {
  let bytes = Buffer.allocUnsafe(64 * 1024);
  let length = 0;
  const clock = clockBytes();

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

  function amount(cell: number | null): void {
    const into = reserve(amountBytesMax);
    if (cell !== null && cell < 0) into[length++] = minus;
    const end = cell === null ? length : writeDigits(into, length, Math.abs(cell));
    into[end] = comma;
    length = end + 1;
  }

  function instantMs(cell: number): void {
    const into = reserve(instantBytesMax);
    const second = Math.floor(cell / 1000);
    const fraction = cell - second * 1000;
    let at = clock(into, length, second);
    if (fraction > 0) {
      into[at++] = point;
      into[at++] = zero + ((fraction / 100) | 0);
      at = twoDigits(into, at, fraction % 100);
    }
    into[at] = zulu;
    into[at + 1] = comma;
    length = at + 2;
  }

  return {
    get length() {
      return length;
    },
    put(whole) {
      length += reserve(whole.length * 3).write(whole, length);
    },
    text,
    amount,
    instant(cell) {
      if (cell === null) amount(null);
      else instantMs(cell * 1000);
    },
    instantMs,
    endRow() {
      bytes[length - 1] = lineFeed;
    },
    again(start, end) {
      reserve(end - start).copyWithin(length, start, end);
      length += end - start;
    },
    take() {
      const taken = Buffer.copyBytesFrom(bytes, 0, length);
      length = 0;
      return taken;
    },
  };
}

/** @returns where the digits end */
function writeDigits(into: Uint8Array, start: number, value: number): number {
  let end = start + 1;
  for (let bound = 10; bound <= value; bound *= 10) end += 1;
  let at = end;
  let rest = value;
  // Beyond 31 bits a division at a time in doubles, exact up to the safe integers; then in machine integers.
  while (rest > 0x7fffffff) {
    const next = Math.floor(rest / 10);
    into[--at] = zero + (rest - next * 10);
    rest = next;
  }
  let small = rest | 0;
  do {
    const next = (small / 10) | 0;
    into[--at] = zero + (small - next * 10);
    small = next;
  } while (small > 0);
  return end;
}

function twoDigits(into: Uint8Array, at: number, value: number): number {
  const tens = (value / 10) | 0;
  into[at] = zero + tens;
  into[at + 1] = zero + value - tens * 10;
  return at + 2;
}

const daySeconds = 86_400;
const colon = 0x3a;
const dateLength = "YYYY-MM-DDT".length;
const rememberedDaysMax = 4096;

/** Writes `YYYY-MM-DDTHH:MM:SS`. Remembers its days: the instants of an export fall on few. */
function clockBytes(): (into: Uint8Array, start: number, second: number) => number {
  const dates = new Map<number, Uint8Array>();

  function dateOf(day: number): Uint8Array {
    if (dates.size >= rememberedDaysMax) dates.clear();
    const date = new Uint8Array(Buffer.from(new Date(day * daySeconds * 1000).toISOString().slice(0, dateLength)));
    dates.set(day, date);
    return date;
  }

  return (into, start, second) => {
    const day = Math.floor(second / daySeconds);
    const date = dates.get(day) ?? dateOf(day);
    let at = start;
    for (let i = 0; i < dateLength; i += 1) into[at++] = date[i] as number;
    const time = second - day * daySeconds;
    const minute = (time / 60) | 0;
    const hour = (minute / 60) | 0;
    at = twoDigits(into, at, hour);
    into[at] = colon;
    at = twoDigits(into, at + 1, minute - hour * 60);
    into[at] = colon;
    return twoDigits(into, at + 1, time - minute * 60);
  };
}
