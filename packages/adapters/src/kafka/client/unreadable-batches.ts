import { createRequire } from "node:module";
import type { KafkaMessage } from "kafkajs";

/** The parts of kafkajs 2.2.4 that read an answer to a fetch. */
interface Decoder {
  readInt16(): number;
  readInt32(): number;
  readInt64(): { toString(): string };
  readString(): string;
  readBytes(bytes: number): Buffer;
  canReadBytes(bytes: number): boolean;
  readArray<Item>(read: (decoder: Decoder) => Item): Item[];
  readArrayAsync<Item>(read: (decoder: Decoder) => Promise<Item>): Promise<Item[]>;
}
type FetchedRecord = KafkaMessage & { readonly isControlRecord: boolean; readonly batchContext: object };
interface FetchResponse {
  decode(raw: Buffer): Promise<unknown>;
}

const require = createRequire(import.meta.url);
const DecoderOf = require("kafkajs/src/protocol/decoder.js") as new (bytes: Buffer) => Decoder;
const decodeBatch = require("kafkajs/src/protocol/recordBatch/v0/decoder.js") as (
  decoder: Decoder,
) => Promise<{ readonly records: readonly FetchedRecord[] }>;
const crc32c = require("kafkajs/src/protocol/recordBatch/crc32C/index.js") as (bytes: Buffer) => number;
const response = require("kafkajs/src/protocol/requests/fetch/v11/response.js") as FetchResponse;

/** The broker itself has found a batch that it cannot read. */
const corruptMessage = 2;
/** Where parts of a batch begin, in bytes. */
const places = {
  length: 8,
  checksum: 17,
  attributes: 21,
  lastOffsetDelta: 23,
  maxTimestamp: 35,
  producerId: 43,
  count: 57,
  records: 61,
};
const flags = { inTransaction: 0x10, control: 0x20 };
/** Of one batch; ours have some dozen. A number that is damaged itself must not fill the memory. */
const recordsPerBatchMax = 100_000;
/** Every record of ours has a checksum, which this does not. */
const noRecord = Buffer.from("a batch that cannot be unpacked");

/**
 * One batch that cannot be unpacked (a bit that flipped on a broker's disk) fails the whole fetch in kafkajs, for all
 * partitions, for ever. Here each of its records comes as one that cannot be read: it is told with its offset as
 * damage, like any other, and what comes behind it, and other partitions, are read. Where not even the end of the batch
 * is known, its partition stands still.
 */
export function readPastUnreadableBatches(): void {
  response.decode = decodeFetch;
}

export async function decodeFetch(raw: Buffer): Promise<unknown> {
  const decoder = new DecoderOf(raw);
  const clientSideThrottleTime = decoder.readInt32();
  const [errorCode, sessionId] = [decoder.readInt16(), decoder.readInt32()];
  const responses = await decoder.readArrayAsync(async (topic) => ({
    topicName: topic.readString(),
    partitions: await topic.readArrayAsync(decodePartition),
  }));
  // As kafkajs has it: the broker has not throttled the request, and asks the client to do so.
  return { throttleTime: 0, clientSideThrottleTime, errorCode, sessionId, responses };
}

async function decodePartition(decoder: Decoder) {
  const partition = decoder.readInt32();
  const errorCode = decoder.readInt16();
  const header = {
    highWatermark: decoder.readInt64().toString(),
    lastStableOffset: decoder.readInt64().toString(),
    lastStartOffset: decoder.readInt64().toString(),
    abortedTransactions: decoder.readArray((one) => ({
      producerId: one.readInt64().toString(),
      firstOffset: one.readInt64().toString(),
    })),
    preferredReadReplica: decoder.readInt32(),
  };
  const size = decoder.readInt32();
  const messages = size > 0 && decoder.canReadBytes(size) ? await readBatches(decoder.readBytes(size)) : [];
  // As an error it would fail the other partitions too. This one does not move, which is told by who waits for it.
  return { partition, errorCode: errorCode === corruptMessage ? 0 : errorCode, ...header, messages };
}

async function readBatches(bytes: Buffer): Promise<FetchedRecord[]> {
  const read: FetchedRecord[] = [];
  for (let at = 0; at + places.records <= bytes.length; ) {
    const end = at + 12 + bytes.readInt32BE(at + places.length);
    // The last batch of an answer may be cut off.
    if (end > bytes.length || end < at + places.records) break;
    const next = end + 8 <= bytes.length ? bytes.readBigInt64BE(end) : undefined;
    for (const record of await readBatch(bytes.subarray(at, end), next)) read.push(record);
    at = end;
  }
  return read;
}

async function readBatch(bytes: Buffer, next: bigint | undefined): Promise<readonly FetchedRecord[]> {
  const first = bytes.readBigInt64BE(0);
  const last = lastOffset(bytes, first, next);
  try {
    const { records } = await decodeBatch(new DecoderOf(bytes));
    const isWhole = BigInt(records.length) === last - first + 1n && isInOrder(records, first, last);
    // A compacted batch has holes; what has holes for another reason is not what its checksum was made of.
    if (isWhole || isAsWritten(bytes)) return records;
  } catch {
    // Whatever it is, the batch is not as it was written.
  }
  return unreadable(bytes, first, last);
}

/** By the checksum over all behind it. It is not looked at for each batch: every record of ours has one of its own. */
function isAsWritten(bytes: Buffer): boolean {
  return crc32c(bytes.subarray(places.attributes)) >>> 0 === bytes.readUInt32BE(places.checksum);
}

/** A batch says it twice, as the last offset and as a number of records: one of the two may be what is damaged. */
function lastOffset(bytes: Buffer, first: bigint, next: bigint | undefined): bigint {
  const deltas = [bytes.readInt32BE(places.lastOffsetDelta), bytes.readInt32BE(places.count) - 1];
  const room = next === undefined ? recordsPerBatchMax : Math.min(recordsPerBatchMax, Number(next - first));
  return first + BigInt(Math.max(0, ...deltas.filter((delta) => delta >= 0 && delta < room)));
}

function isInOrder(records: readonly FetchedRecord[], first: bigint, last: bigint): boolean {
  let before = first - 1n;
  for (const { offset } of records) {
    const here = BigInt(offset);
    if (here <= before || here > last) return false;
    before = here;
  }
  return true;
}

function unreadable(bytes: Buffer, first: bigint, last: bigint): FetchedRecord[] {
  const attributes = bytes.readInt16BE(places.attributes);
  const producerId = bytes.readBigInt64BE(places.producerId).toString();
  const shared = {
    ...{ magicByte: 2, attributes: 0, timestamp: bytes.readBigInt64BE(places.maxTimestamp).toString() },
    ...{ key: null, value: noRecord, headers: {} },
    isControlRecord: (attributes & flags.control) !== 0,
    batchContext: { producerId, inTransaction: (attributes & flags.inTransaction) !== 0 },
  };
  const records: FetchedRecord[] = [];
  for (let offset = first; offset <= last; offset += 1n) records.push({ ...shared, offset: offset.toString() });
  return records;
}
