/** The bytes are not the message that they should be. */
export class MalformedMessage extends Error {
  override readonly name = "MalformedMessage";
}

/**
 * A walk through protobuf bytes; `end` is where the message in hand ends.
 *
 * Not protobufjs' Reader, because a reading's 64-bit value cost an object there, and because a known field with a
 * wrong wire type was skipped: the value would have come out as 0. Here it is malformed.
 */
export interface Cursor {
  readonly bytes: Uint8Array;
  at: number;
  end: number;
  /** The last varint: its lowest 28 bits, and what is above them. */
  low: number;
  high: number;
}

export function cursorOver(bytes: Uint8Array): Cursor {
  return { bytes, at: 0, end: bytes.length, low: 0, high: 0 };
}

function readVarint(cursor: Cursor): void {
  const { bytes } = cursor;
  let at = cursor.at;
  // Beyond the last byte this reads undefined, which counts as a byte that goes on; the end is checked once, below.
  let byte = bytes[at++] as number;
  let low = byte & 127;
  if (!(byte < 128)) {
    byte = bytes[at++] as number;
    low |= (byte & 127) << 7;
    if (!(byte < 128)) {
      byte = bytes[at++] as number;
      low |= (byte & 127) << 14;
      if (!(byte < 128)) {
        byte = bytes[at++] as number;
        low |= (byte & 127) << 21;
      }
    }
  }
  if (at > cursor.end) throw new MalformedMessage("it ends in the middle of a number");
  cursor.at = at;
  cursor.low = low;
  cursor.high = 0;
  if (!(byte < 128)) readHighPart(cursor);
}

function readHighPart(cursor: Cursor): void {
  let high = 0;
  let factor = 1;
  for (let count = 0; count < 6; count += 1) {
    if (cursor.at >= cursor.end) throw new MalformedMessage("it ends in the middle of a number");
    const byte = cursor.bytes[cursor.at++] as number;
    high += (byte & 127) * factor;
    factor *= 128;
    if (byte < 128) {
      cursor.high = high;
      return;
    }
  }
  throw new MalformedMessage("a number has more than 10 bytes");
}

const lowSize = 2 ** 28;

/** uint32, uint64 and enums; NaN where the number is not a safe integer. */
export function readUnsigned(cursor: Cursor): number {
  const { at } = cursor;
  const byte = cursor.bytes[at] as number;
  // Tags, enums and lengths: one byte, nearly always.
  if (byte < 128 && at < cursor.end) {
    cursor.at = at + 1;
    return byte;
  }
  readVarint(cursor);
  if (cursor.high === 0) return cursor.low;
  const value = cursor.high * lowSize + cursor.low;
  return Number.isSafeInteger(value) ? value : Number.NaN;
}

/** sint32 and sint64; NaN where the number is not a safe integer. */
export function readSigned(cursor: Cursor): number {
  readVarint(cursor);
  if (cursor.high === 0) return (cursor.low >>> 1) ^ -(cursor.low & 1);
  const half = cursor.high * (lowSize / 2) + (cursor.low >>> 1);
  const value = (cursor.low & 1) === 0 ? half : -half - 1;
  return Number.isSafeInteger(value) ? value : Number.NaN;
}

/** Where the string, bytes or message that begins here ends. */
export function readEnd(cursor: Cursor): number {
  const length = readUnsigned(cursor);
  if (!(length <= cursor.end - cursor.at)) throw new MalformedMessage("a field is longer than the message");
  return cursor.at + length;
}

/** Steps over a field that this version does not know; `known` is the highest field number that it does. */
export function skipField(cursor: Cursor, tag: number, known: number): void {
  const field = Math.floor(tag / 8);
  const wireType = tag % 8;
  if (!(field > known)) throw new MalformedMessage(`field ${field} has wire type ${wireType}`);
  if (wireType === 0) readVarint(cursor);
  else if (wireType === 2) cursor.at = readEnd(cursor);
  else if (wireType === 1 || wireType === 5) skipFixed(cursor, wireType === 1 ? 8 : 4);
  else throw new MalformedMessage(`field ${field} has wire type ${wireType}`);
}

function skipFixed(cursor: Cursor, length: number): void {
  if (cursor.at + length > cursor.end) throw new MalformedMessage("a field is longer than the message");
  cursor.at += length;
}

/**
 * Text of one byte per character, such as ids and OBIS codes; anything else shows as letters that no pattern allows.
 */
export function latinText({ bytes }: Cursor, from: number, to: number): string {
  let text = "";
  for (let at = from; at < to; at += 1) text += String.fromCharCode(bytes[at] as number);
  return text;
}

/** A number of a record of our own, which is never beyond the safe integers. */
export function readWhole(cursor: Cursor): number {
  const value = readUnsigned(cursor);
  if (Number.isNaN(value)) throw new MalformedMessage("a number is no safe integer");
  return value;
}

/** What a field of 32 bits holds. */
export function readUint32(cursor: Cursor): number {
  return readUpTo(cursor, 2 ** 32 - 1, "a number has more than 32 bits");
}

/** The end of the year 9999: what lies beyond cannot be written as a date. */
const instantMax = 253_402_300_799;

/** Seconds since 1970 UTC. */
export function readInstant(cursor: Cursor): number {
  return readUpTo(cursor, instantMax, "an instant lies beyond the year 9999");
}

/** Milliseconds since 1970 UTC. */
export function readInstantMs(cursor: Cursor): number {
  return readUpTo(cursor, instantMax * 1000 + 999, "an instant lies beyond the year 9999");
}

function readUpTo(cursor: Cursor, max: number, excess: string): number {
  const value = readUnsigned(cursor);
  // Also where it is NaN.
  if (!(value <= max)) throw new MalformedMessage(excess);
  return value;
}

/** Aliases the bytes of the message. */
export function readBytes(cursor: Cursor): Uint8Array {
  const end = readEnd(cursor);
  const bytes = cursor.bytes.subarray(cursor.at, end);
  cursor.at = end;
  return bytes;
}

export function readText(cursor: Cursor): string {
  const { buffer, byteOffset, byteLength } = readBytes(cursor);
  return Buffer.from(buffer, byteOffset, byteLength).toString();
}

/** Walks through a whole record, tag by tag. */
export function readFields(bytes: Uint8Array, readField: (cursor: Cursor, tag: number) => void): void {
  const cursor = cursorOver(bytes);
  while (cursor.at < bytes.length) readField(cursor, readUnsigned(cursor));
}

/** Walks through the message that begins here, tag by tag. */
export function readMessage(cursor: Cursor, readField: (tag: number) => void): void {
  const outerEnd = cursor.end;
  cursor.end = readEnd(cursor);
  while (cursor.at < cursor.end) readField(readUnsigned(cursor));
  cursor.end = outerEnd;
}
