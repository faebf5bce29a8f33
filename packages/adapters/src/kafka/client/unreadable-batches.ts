import { createRequire } from "node:module";
import type { KafkaMessage } from "kafkajs";
import { batchPlaces, type FetchedBatch, fetchedBatches, isAsWritten } from "./record-batches.ts";

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
export type FetchedRecord = KafkaMessage & { readonly isControlRecord: boolean; readonly batchContext: object };

/** What a broker says of a partition. */
export interface FetchedPartition {
  readonly partition: number;
  readonly errorCode: number;
  readonly highWatermark: string;
  readonly lastStableOffset: string;
  readonly messages: readonly FetchedRecord[];
}

const require = createRequire(import.meta.url);
const DecoderOf = require("kafkajs/src/protocol/decoder.js") as new (bytes: Buffer) => Decoder;
const decodeBatch = require("kafkajs/src/protocol/recordBatch/v0/decoder.js") as (
  decoder: Decoder,
) => Promise<{ readonly records: readonly FetchedRecord[] }>;
/** The broker itself has found a batch that it cannot read. */
const corruptMessage = 2;
const flags = { inTransaction: 0x10, control: 0x20 };
/** Of one batch; ours have some dozen. A number that is damaged itself must not fill the memory. */
const recordsPerBatchMax = 100_000;
/** The broker notes the end of a partition before it reads: so many records may stand behind it in its answer. */
const writtenMeanwhileMax = 1_000_000n;
/** Every record of ours has a checksum, which this does not. */
const noRecord = Buffer.from("a batch that cannot be unpacked");

/** What is made of what the broker said of a partition. */
export type Taken = (topic: string, answer: FetchedPartition) => FetchedPartition;

export async function decodeFetch(raw: Buffer, taken: Taken = (_, answer) => answer): Promise<unknown> {
  const decoder = new DecoderOf(raw);
  const clientSideThrottleTime = decoder.readInt32();
  const [errorCode, sessionId] = [decoder.readInt16(), decoder.readInt32()];
  const responses = await decoder.readArrayAsync(async (topic) => {
    const topicName = topic.readString();
    const partitions = await topic.readArrayAsync(decodePartition);
    return { topicName, partitions: partitions.map((one) => withoutCorrupt(taken(topicName, one))) };
  });
  // As kafkajs has it: the broker has not throttled the request, and asks the client to do so.
  return { throttleTime: 0, clientSideThrottleTime, errorCode, sessionId, responses };
}

/** An error would fail the other partitions too. So this partition stands still, and whoever waits for it says so. */
function withoutCorrupt(answer: FetchedPartition): FetchedPartition {
  return answer.errorCode === corruptMessage ? { ...answer, errorCode: 0 } : answer;
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
  const messages =
    size > 0 && decoder.canReadBytes(size)
      ? await readBatches(decoder.readBytes(size), BigInt(header.highWatermark))
      : [];
  return { partition, errorCode, ...header, messages };
}

/** What stands in a stretch of a topic; `end` is the offset behind all that the partition had before it was read. */
export async function readBatches(bytes: Buffer, end: bigint): Promise<FetchedRecord[]> {
  const read: FetchedRecord[] = [];
  let expected: bigint | undefined;
  for (const batch of fetchedBatches(bytes)) {
    for (const record of await readBatch(batch, { expected, end })) read.push(record);
    const last = read.at(-1);
    expected = last === undefined ? undefined : BigInt(last.offset) + 1n;
  }
  return read;
}

interface Around {
  /** The offset behind the batch before it, where one was read. */
  readonly expected: bigint | undefined;
  /** The offset behind all that the partition had before it was read. */
  readonly end: bigint;
}

async function readBatch(batch: FetchedBatch, around: Around): Promise<readonly FetchedRecord[]> {
  const { bytes } = batch;
  if (!isInItsPlace(batch, around)) return unreadable(bytes, ...stretchOf(batch, around));
  const { first } = batch;
  const last = lastOffset(bytes, first, batch.next);
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

/**
 * No checksum covers the first offset: it must fit to the batches around it. What goes on where the one before ended is
 * right, and so is what is believable where the next one is not.
 */
function isInItsPlace({ bytes, first, next, isDelimited }: FetchedBatch, { expected, end }: Around): boolean {
  if (!isDelimited || first < (expected ?? 0n) || first >= end + writtenMeanwhileMax) return false;
  if (first === expected || next === undefined) return true;
  const last = first + BigInt(Math.max(0, bytes.readInt32BE(batchPlaces.lastOffsetDelta)));
  return last < next || (expected === undefined && (next <= first || next >= end || isAsWritten(bytes)));
}

/** The offsets of all that stands between two batches that are sound, as far as they are known. */
function stretchOf({ bytes, first, next }: FetchedBatch, { expected }: Around): readonly [bigint, bigint] {
  const count = BigInt(Math.min(recordsPerBatchMax, Math.max(1, bytes.readInt32BE(batchPlaces.count))));
  const last = next === undefined ? (expected ?? first) + count - 1n : next - 1n;
  const from = expected ?? (next !== undefined && first >= next ? next - count : first);
  const least = last - BigInt(recordsPerBatchMax) + 1n;
  return [from < least ? least : from, last];
}

/** A batch says it twice, as the last offset and as a number of records: one of the two may be what is damaged. */
function lastOffset(bytes: Buffer, first: bigint, next: bigint | undefined): bigint {
  const deltas = [bytes.readInt32BE(batchPlaces.lastOffsetDelta), bytes.readInt32BE(batchPlaces.count) - 1];
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
  const attributes = bytes.readInt16BE(batchPlaces.attributes);
  const producerId = bytes.readBigInt64BE(batchPlaces.producerId).toString();
  const shared = {
    ...{ magicByte: 2, attributes: 0, timestamp: bytes.readBigInt64BE(batchPlaces.maxTimestamp).toString() },
    ...{ key: null, value: noRecord, headers: {} },
    isControlRecord: (attributes & flags.control) !== 0,
    batchContext: { producerId, inTransaction: (attributes & flags.inTransaction) !== 0 },
  };
  const records: FetchedRecord[] = [];
  for (let offset = first; offset <= last; offset += 1n) records.push({ ...shared, offset: offset.toString() });
  return records;
}
