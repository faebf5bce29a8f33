/**
 * Cells as bytes, each with the comma after it. Free functions over a place that the caller keeps in a variable of its
 * own: an export has thirty million of them.
 */

const comma = 0x2c;
const minus = 0x2d;
const point = 0x2e;
const zulu = 0x5a;
const zero = 0x30;
const colon = 0x3a;

/** Room for any amount or instant. */
export const cellBytesMax = 32;

export function putEmpty(into: Uint8Array, at: number): number {
  into[at] = comma;
  return at + 1;
}

/** Byte by byte: they are few, and a call out of JavaScript costs more. */
export function putBytes(into: Uint8Array, start: number, bytes: Uint8Array): number {
  for (let i = 0; i < bytes.length; i += 1) into[start + i] = bytes[i] as number;
  return start + bytes.length;
}

/** A whole number. */
export function putAmount(into: Uint8Array, start: number, value: number): number {
  let at = start;
  if (value < 0) into[at++] = minus;
  at = putDigits(into, at, Math.abs(value));
  into[at] = comma;
  return at + 1;
}

function putDigits(into: Uint8Array, start: number, value: number): number {
  if (value <= 0x7fffffff) return putSmall(into, start, value | 0);
  // Beyond 31 bits in two halves, exact up to the safe integers.
  const high = Math.floor(value / 1_000_000_000);
  let at = putSmall(into, start, high | 0) + 9;
  let low = (value - high * 1_000_000_000) | 0;
  const end = at;
  for (let i = 0; i < 9; i += 1) {
    const next = (low / 10) | 0;
    into[--at] = zero + low - next * 10;
    low = next;
  }
  return end;
}

function putSmall(into: Uint8Array, start: number, value: number): number {
  let at = start + digitsOf(value);
  const end = at;
  let rest = value;
  do {
    const next = (rest / 10) | 0;
    into[--at] = zero + rest - next * 10;
    rest = next;
  } while (rest > 0);
  return end;
}

function digitsOf(value: number): number {
  if (value < 10_000) return value < 100 ? (value < 10 ? 1 : 2) : value < 1000 ? 3 : 4;
  if (value < 100_000_000) return value < 1_000_000 ? (value < 100_000 ? 5 : 6) : value < 10_000_000 ? 7 : 8;
  return value < 1_000_000_000 ? 9 : 10;
}

function putTwo(into: Uint8Array, at: number, value: number): number {
  const tens = (value / 10) | 0;
  into[at] = zero + tens;
  into[at + 1] = zero + value - tens * 10;
  return at + 2;
}

/** `YYYY-MM-DDTHH:MM:SSZ` of whole seconds since 1970 UTC. */
export type PutInstant = (into: Uint8Array, start: number, second: number) => number;

const instantsMax = 256;
const instantBytes = "YYYY-MM-DDTHH:MM:SSZ,".length;

/** Remembers instants: those of an export are few, and stand in most of its rows. */
export function instantCells(): PutInstant {
  const clock = clockBytes();
  const seconds = new Float64Array(instantsMax).fill(Number.NaN);
  const cells: Uint8Array[] = [];

  function make(second: number, slot: number): Uint8Array {
    const cell = cells[slot] ?? Buffer.alloc(instantBytes);
    const end = clock(cell, 0, second);
    cell[end] = zulu;
    cell[end + 1] = comma;
    seconds[slot] = second;
    cells[slot] = cell;
    return cell;
  }

  return (into, start, second) => {
    // Most stand on a quarter hour.
    const slot = Math.floor(second / 900) & (instantsMax - 1);
    const cell = seconds[slot] === second ? (cells[slot] as Uint8Array) : make(second, slot);
    return putBytes(into, start, cell);
  };
}

/** The same from milliseconds, with three digits more where they are not zero. */
export function putInstantMs(into: Uint8Array, start: number, ms: number, putInstant: PutInstant): number {
  const second = Math.floor(ms / 1000);
  const fraction = ms - second * 1000;
  const end = putInstant(into, start, second);
  if (fraction === 0) return end;
  let at = end - 2;
  into[at++] = point;
  into[at++] = zero + ((fraction / 100) | 0);
  at = putTwo(into, at, fraction % 100);
  into[at] = zulu;
  return putEmpty(into, at + 1);
}

const daySeconds = 86_400;
const dateLength = "YYYY-MM-DDT".length;
const rememberedDaysMax = 4096;

/** Writes `YYYY-MM-DDTHH:MM:SS`. Remembers its days. */
function clockBytes(): PutInstant {
  const dates = new Map<number, Uint8Array>();

  function dateOf(day: number): Uint8Array {
    if (dates.size >= rememberedDaysMax) dates.clear();
    const date = Buffer.from(new Date(day * daySeconds * 1000).toISOString().slice(0, dateLength));
    dates.set(day, date);
    return date;
  }

  return (into, start, second) => {
    const day = Math.floor(second / daySeconds);
    let at = putBytes(into, start, dates.get(day) ?? dateOf(day));
    const time = second - day * daySeconds;
    const minute = (time / 60) | 0;
    const hour = (minute / 60) | 0;
    at = putTwo(into, at, hour);
    into[at] = colon;
    at = putTwo(into, at + 1, minute - hour * 60);
    into[at] = colon;
    return putTwo(into, at + 1, time - minute * 60);
  };
}
