import { crc32 } from "node:zlib";
import type { Columns } from "@meterbook/core/domain/reading/reading";
import { emptyColumns, isReadingCode } from "@meterbook/core/domain/reading/reading";

/**
 * Readings of one meter within one UTC day, packed: per channel a section
 * `channelIndex, count, byteLength, first at, spacing, values, codes`, all variable-length integers.
 * A day of quarter hours of one register takes about 200 bytes. Instants count from `epoch`.
 *
 * Its last four bytes are a CRC-32 over them and over the key that it stands under, verified before anything is
 * unpacked.
 *
 * A block is rewritten whole, never patched; sections of a channel may repeat (a merge adds one at the end).
 */
export interface ChannelColumns extends Columns {
  readonly channelIndex: number;
}

/** 2001-01-01T00:00:00Z: the earliest instant that intake accepts; instants and days in the file count from here. */
export const epoch = 978_307_200;

const instantMax = 253_402_300_799;
const irregular = 0;
let scratch = new Uint8Array(64 * 1024);

/** The bytes of a block are not those that were written under its key. */
export class MalformedBlock extends Error {
  override readonly name = "MalformedBlock";
}

const checksumBytes = 4;

function checksumOf(sections: Uint8Array, key: number): number {
  return crc32(sections, ((key % 2 ** 32) ^ Math.floor(key / 2 ** 32)) >>> 0);
}

function seal(out: Uint8Array, length: number, key: number): void {
  const checksum = checksumOf(out.subarray(0, length), key);
  for (let i = 0; i < checksumBytes; i += 1) out[length + i] = (checksum >>> (8 * i)) & 255;
}

/** The sections of a block whose checksum is right. */
function sectionsOf(block: Uint8Array, key: number): Uint8Array {
  const length = block.length - checksumBytes;
  if (length < 0) throw new MalformedBlock("it is cut off");
  const sections = block.subarray(0, length);
  let stored = 0;
  for (let i = checksumBytes - 1; i >= 0; i -= 1) stored = stored * 256 + (block[length + i] as number);
  if (stored !== checksumOf(sections, key)) throw new MalformedBlock("its checksum is not that of its bytes");
  return sections;
}

/** Whether a block is what was written under its key. */
export function isSoundBlock(block: Uint8Array, key: number): boolean {
  try {
    sectionsOf(block, key);
    return true;
  } catch (error) {
    if (error instanceof MalformedBlock) return false;
    throw error;
  }
}

/** Two blocks of one key as one. */
export function joinBlocks(a: Uint8Array, b: Uint8Array, key: number): Uint8Array {
  const [first, second] = [sectionsOf(a, key), sectionsOf(b, key)];
  const joined = new Uint8Array(first.length + second.length + checksumBytes);
  joined.set(first);
  joined.set(second, first.length);
  seal(joined, first.length + second.length, key);
  return joined;
}

/** Packs columns (each ascending) for a key. The answer is a copy that the caller owns. */
export function packBlock(sections: readonly ChannelColumns[], key: number): Uint8Array {
  let cursor = 0;
  for (const section of sections) {
    const bytesMax = 60 + checksumBytes + section.at.length * 32;
    if (cursor + bytesMax > scratch.length) {
      const larger = new Uint8Array((cursor + bytesMax) * 2);
      larger.set(scratch);
      scratch = larger;
    }
    cursor = packSection(scratch, cursor, section);
  }
  seal(scratch, cursor, key);
  return scratch.slice(0, cursor + checksumBytes);
}

/** Sections up to 128 bytes have a one-byte length, which is what nearly all reports of a meter are. */
function packSection(out: Uint8Array, start: number, { channelIndex, at, value, code }: ChannelColumns): number {
  const count = at.length;
  let cursor = putVarint(out, start, channelIndex);
  cursor = putVarint(out, cursor, count);
  const lengthAt = cursor;
  cursor = putInstants(out, cursor + 1, at);
  let before = 0;
  for (let i = 0; i < count; i += 1) {
    cursor = putSigned(out, cursor, (value[i] as number) - before);
    before = value[i] as number;
  }
  cursor = putCodes(out, cursor, code);
  const length = cursor - lengthAt - 1;
  if (length < 128) {
    out[lengthAt] = length;
    return cursor;
  }
  const bytes = length < 16_384 ? 2 : length < 2_097_152 ? 3 : 4;
  out.copyWithin(lengthAt + bytes, lengthAt + 1, cursor);
  putVarint(out, lengthAt, length);
  return cursor + bytes - 1;
}

function putInstants(out: Uint8Array, start: number, at: readonly number[]): number {
  const first = at[0] as number;
  let cursor = putVarint(out, start, first - epoch);
  if (at.length === 1) return cursor;
  const spacing = (at[1] as number) - first;
  let regular = true;
  for (let i = 2; i < at.length && regular; i += 1) regular = (at[i] as number) - (at[i - 1] as number) === spacing;
  if (regular) return putVarint(out, cursor, spacing);
  cursor = putVarint(out, cursor, irregular);
  for (let i = 1; i < at.length; i += 1) cursor = putVarint(out, cursor, (at[i] as number) - (at[i - 1] as number));
  return cursor;
}

/** Runs of equal codes; a single run of code 0 (actual, remote) is one byte. */
function putCodes(out: Uint8Array, start: number, code: readonly number[]): number {
  let cursor = start;
  let from = 0;
  while (from < code.length) {
    let to = from + 1;
    while (to < code.length && code[to] === code[from]) to += 1;
    const last = to === code.length ? 1 : 0;
    cursor = putVarint(out, cursor, (code[from] as number) * 2 + last);
    if (last === 0) cursor = putVarint(out, cursor, to - from);
    from = to;
  }
  return cursor;
}

const place = { cursor: 0 };

/**
 * Unpacks into `into`, appending per channel; `wanted` undefined = all channels. Sections not wanted are skipped whole.
 *
 * @throws MalformedBlock where the block is damaged; what it does is bounded by the bytes that are there, whatever they
 * say.
 */
export function unpackBlock(
  block: Uint8Array,
  key: number,
  into: Map<number, Columns>,
  wanted?: ReadonlySet<number>,
): void {
  unpackSections(sectionsOf(block, key), into, wanted);
}

/**
 * What a block with a wrong checksum seems to hold: only to be counted, never to be used. Undefined if that cannot be
 * told.
 */
export function unpackDamaged(block: Uint8Array): Map<number, Columns> | undefined {
  const columns = new Map<number, Columns>();
  try {
    unpackSections(block.subarray(0, Math.max(0, block.length - checksumBytes)), columns);
  } catch (error) {
    if (error instanceof MalformedBlock) return undefined;
    throw error;
  }
  return columns;
}

function unpackSections(bytes: Uint8Array, into: Map<number, Columns>, wanted?: ReadonlySet<number>): void {
  place.cursor = 0;
  while (place.cursor < bytes.length) {
    const channelIndex = takeVarint(bytes);
    const count = takeVarint(bytes);
    const length = takeVarint(bytes);
    const end = place.cursor + length;
    // A reading takes a byte or more. What was read beyond the end is NaN.
    if (!(end <= bytes.length && count > 0 && count <= length && channelIndex >= 0))
      throw new MalformedBlock("a section is longer than it");
    if (wanted !== undefined && !wanted.has(channelIndex)) {
      place.cursor = end;
      continue;
    }
    let columns = into.get(channelIndex);
    if (columns === undefined) {
      columns = emptyColumns();
      into.set(channelIndex, columns);
    }
    takeInstants(bytes, count, columns.at);
    let value = 0;
    for (let i = 0; i < count; i += 1) {
      value += takeSigned(bytes);
      if (!(value >= 0 && value <= Number.MAX_SAFE_INTEGER)) throw new MalformedBlock("a value is no amount");
      columns.value.push(value);
    }
    takeCodes(bytes, count, columns.code);
    if (place.cursor !== end) throw new MalformedBlock("a section does not end where it says");
  }
}

function takeInstants(bytes: Uint8Array, count: number, at: number[]): void {
  let instant = takeVarint(bytes) + epoch;
  at.push(instant);
  const spacing = count === 1 ? 0 : takeVarint(bytes);
  for (let i = 1; i < count; i += 1) {
    instant += spacing === irregular ? takeVarint(bytes) : spacing;
    at.push(instant);
  }
  // The last is the largest; none is where one before it was none.
  if (!(instant <= instantMax)) throw new MalformedBlock("an instant lies beyond the year 9999");
}

function takeCodes(bytes: Uint8Array, count: number, code: number[]): void {
  let left = count;
  while (left > 0) {
    const head = takeVarint(bytes);
    const one = Math.floor(head / 2);
    const run = head % 2 === 1 ? left : takeVarint(bytes);
    if (!isReadingCode(one)) throw new MalformedBlock("a code is none");
    if (!(run > 0 && run <= left)) throw new MalformedBlock("a run of codes is longer than its section");
    for (let i = 0; i < run; i += 1) code.push(one);
    left -= run;
  }
}

function putVarint(out: Uint8Array, start: number, number: number): number {
  let cursor = start;
  let rest = number;
  while (rest >= 0x80000000) {
    out[cursor++] = (rest % 128) | 128;
    rest = Math.floor(rest / 128);
  }
  while (rest > 127) {
    out[cursor++] = (rest & 127) | 128;
    rest >>>= 7;
  }
  out[cursor++] = rest;
  return cursor;
}

function takeVarint(bytes: Uint8Array): number {
  let byte = bytes[place.cursor++] as number;
  let number = byte & 127;
  let factor = 128;
  while (byte > 127) {
    byte = bytes[place.cursor++] as number;
    number += (byte & 127) * factor;
    factor *= 128;
  }
  return number;
}

/** Zigzag by arithmetic, because a difference of two safe integers can need 54 bits. */
function putSigned(out: Uint8Array, start: number, number: number): number {
  const negative = number < 0;
  const magnitude = negative ? -number - 1 : number;
  const low = (magnitude % 64) * 2 + (negative ? 1 : 0);
  if (magnitude < 64) {
    out[start] = low;
    return start + 1;
  }
  out[start] = low | 128;
  return putVarint(out, start + 1, Math.floor(magnitude / 64));
}

function takeSigned(bytes: Uint8Array): number {
  const head = bytes[place.cursor++] as number;
  let magnitude = (head & 127) >> 1;
  if (head > 127) magnitude += takeVarint(bytes) * 64;
  return (head & 1) === 1 ? -magnitude - 1 : magnitude;
}

/** Puts columns that were appended block by block into ascending order; the order of blocks is arbitrary. */
export function ascending(columns: Columns): Columns {
  const { at, value, code } = columns;
  let sorted = true;
  for (let i = 1; i < at.length && sorted; i += 1) sorted = (at[i - 1] as number) <= (at[i] as number);
  if (sorted) return columns;
  const order = at.map((_, i) => i).sort((a, b) => (at[a] as number) - (at[b] as number));
  return {
    at: order.map((i) => at[i] as number),
    value: order.map((i) => value[i] as number),
    code: order.map((i) => code[i] as number),
  };
}
