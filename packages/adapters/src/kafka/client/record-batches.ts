import { createRequire } from "node:module";

const require = createRequire(import.meta.url);
const crc32c = require("kafkajs/src/protocol/recordBatch/crc32C/index.js") as (bytes: Buffer) => number;

/** Where parts of a batch begin, in bytes. */
export const batchPlaces = {
  length: 8,
  magic: 16,
  checksum: 17,
  attributes: 21,
  lastOffsetDelta: 23,
  maxTimestamp: 35,
  producerId: 43,
  count: 57,
  records: 61,
};

/** What stands before the bytes that the length counts. */
const beforeLength = 12;
const magic = 2;

/** A stretch of what was fetched. */
export interface FetchedBatch {
  readonly bytes: Buffer;
  /** Its first offset, as it says itself. */
  readonly first: bigint;
  /** The first offset of the sound batch behind it, where one was fetched. */
  readonly next: bigint | undefined;
  /** Whether its length led to the batch behind it: else it is all that stands before the next sound one. */
  readonly isDelimited: boolean;
}

/**
 * The batches of an answer, in order. Where a length is damaged, the next sound batch is looked for by its checksum.
 * The last batch of an answer may be cut off, and is left for the next fetch; so is a damaged one that nothing sound
 * was fetched behind.
 */
export function* fetchedBatches(bytes: Buffer): Generator<FetchedBatch> {
  for (let at = 0; at + batchPlaces.records <= bytes.length; ) {
    const end = endOf(bytes, at);
    const follows = end !== undefined && (isBegin(bytes, end) || isAsWritten(bytes.subarray(at, end)));
    const behind = follows ? end : nextSound(bytes, at);
    if (behind === undefined) return;
    const first = bytes.readBigInt64BE(at);
    const next = behind + 8 <= bytes.length ? bytes.readBigInt64BE(behind) : undefined;
    yield { bytes: bytes.subarray(at, behind), first, next, isDelimited: follows };
    at = behind;
  }
}

/** By the checksum over all behind it. */
export function isAsWritten(bytes: Buffer): boolean {
  return crc32c(bytes.subarray(batchPlaces.attributes)) >>> 0 === bytes.readUInt32BE(batchPlaces.checksum);
}

/** Undefined where its length cannot be, or goes beyond what was fetched. */
function endOf(bytes: Buffer, at: number): number | undefined {
  const end = at + beforeLength + bytes.readInt32BE(at + batchPlaces.length);
  return end < at + batchPlaces.records || end > bytes.length ? undefined : end;
}

/** Whether a batch may begin here. One that is cut off counts as one, because nothing speaks against it. */
function isBegin(bytes: Buffer, at: number): boolean {
  if (at + batchPlaces.records > bytes.length) return true;
  const length = bytes.readInt32BE(at + batchPlaces.length);
  return bytes[at + batchPlaces.magic] === magic && length >= batchPlaces.records - beforeLength;
}

/** Where the next batch begins that is whole and as it was written. */
function nextSound(bytes: Buffer, from: number): number | undefined {
  const first = bytes.readBigInt64BE(from);
  for (let found = from + batchPlaces.magic; ; ) {
    found = bytes.indexOf(magic, found + 1);
    const at = found - batchPlaces.magic;
    if (found < 0 || at + batchPlaces.records > bytes.length) return undefined;
    const end = endOf(bytes, at);
    if (end === undefined || bytes.readBigInt64BE(at) <= first) continue;
    if (isAsWritten(bytes.subarray(at, end))) return at;
  }
}
