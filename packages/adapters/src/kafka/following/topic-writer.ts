import { AdapterError } from "@meterbook/core/ports/adapter-error";
import type { Message, RecordMetadata } from "kafkajs";
import { type WaitingLine, waitingLine } from "../../report-batches/waiting-line.ts";
import type { KafkaConnection } from "../client/kafka-connection.ts";
import { lastingProducer, type WriteEvents } from "../client/lasting-producer.ts";

/** Writes to a topic of one partition, in order. What comes while a write is under way shares the next ones. */
export interface TopicWriter<Entry> {
  /**
   * Resolves when all brokers that must have kept the entries, however long an outage lasts, with the offset of the
   * last one where the broker says it. What waits is not copied, and a record is made when its turn comes.
   *
   * @throws AdapterError `log_full` (retryable) when too many calls wait, `log_append_failed` where an entry is too
   * large for the topic (entries before it may be kept), `log_closed`.
   */
  write(entries: readonly Entry[]): Promise<number | undefined>;
  /** Writes what waits, for some seconds at most, and takes no more. */
  close(): Promise<void>;
}

export interface TopicWriterOptions<Entry> {
  readonly topic: string;
  readonly events: WriteEvents;
  readonly recordOf: (entry: Entry) => Pick<Message, "key" | "value" | "headers">;
  readonly callsMax: number;
}

/** kafkajs groups the records of a send in quadratic time. */
const recordsPerSendMax = 1000;
/** A larger record is a send of its own. */
const bytesPerSendMax = 512 * 1024;
const closeMsMax = 5000;

interface Call<Entry> {
  readonly entries: readonly Entry[];
  readonly outcome: PromiseWithResolvers<number | undefined>;
  /** How many have been taken into a send. */
  taken: number;
}

interface Slice<Entry> {
  readonly records: Message[];
  /** Calls of which it holds entries, and how many records there are up to their last one here. */
  readonly parts: { readonly call: Call<Entry>; readonly upTo: number }[];
}

export function topicWriter<Entry>(
  connection: KafkaConnection,
  { topic, events, recordOf, callsMax }: TopicWriterOptions<Entry>,
): TopicWriter<Entry> {
  const producer = lastingProducer(connection, events);
  const calls = waitingLine<Call<Entry>>();
  const nextRecord = recordMaker(calls, recordOf);
  let writing: Promise<void> | undefined;
  let closed = false;

  function nextSlice(): Slice<Entry> {
    const slice: Slice<Entry> = { records: [], parts: [] };
    let bytes = 0;
    while (slice.records.length < recordsPerSendMax) {
      const next = nextRecord(bytes === 0 ? Number.POSITIVE_INFINITY : bytesPerSendMax - bytes);
      if (next === undefined) break;
      slice.records.push(next.record);
      bytes += next.bytes;
      if (slice.parts.at(-1)?.call === next.call) slice.parts.pop();
      slice.parts.push({ call: next.call, upTo: slice.records.length });
    }
    return slice;
  }

  async function writeSlice({ records, parts }: Slice<Entry>): Promise<void> {
    try {
      const first = firstOffset(await producer.send([{ topic, messages: records }]));
      for (const { call, upTo } of parts)
        if (call.taken === call.entries.length) call.outcome.resolve(first === undefined ? first : first + upTo - 1);
    } catch (error) {
      for (const { call } of parts) {
        call.outcome.reject(error);
        // The last of them may have entries that were not taken yet; then it is the first of those that wait.
        if (calls.first() === call) calls.take();
      }
    }
  }

  async function writeAll(): Promise<void> {
    while (calls.length > 0) await writeSlice(nextSlice());
    // In the same turn, so that a call that comes now begins anew.
    writing = undefined;
  }

  return {
    async write(entries) {
      if (closed) throw new AdapterError("log_closed", { retryable: false, detail: `${topic} is closed` });
      if (calls.length >= callsMax) {
        throw new AdapterError("log_full", { retryable: true, detail: `${callsMax} writes to ${topic} wait` });
      }
      if (entries.length === 0) return undefined;
      const call = { entries, outcome: Promise.withResolvers<number | undefined>(), taken: 0 };
      calls.push(call);
      writing ??= writeAll();
      return call.outcome.promise;
    },
    async close() {
      closed = true;
      const timer = setTimeout(() => void producer.close(), closeMsMax);
      await writing;
      clearTimeout(timer);
      await producer.close();
    },
  };
}

/** Makes one record after the other, and keeps the one that did not fit for the next time. */
function recordMaker<Entry>(calls: WaitingLine<Call<Entry>>, recordOf: TopicWriterOptions<Entry>["recordOf"]) {
  let made: { readonly call: Call<Entry>; readonly record: Message; readonly bytes: number } | undefined;

  function make(call: Call<Entry>): NonNullable<typeof made> {
    const record = { ...recordOf(call.entries[call.taken] as Entry), partition: 0 };
    return { call, record, bytes: (record.key?.length ?? 0) + (record.value?.length ?? 0) };
  }

  return (room: number) => {
    const call = calls.first();
    if (call === undefined) return undefined;
    if (made?.call !== call) made = make(call);
    if (made.bytes > room) return undefined;
    const taken = made;
    made = undefined;
    call.taken += 1;
    if (call.taken === call.entries.length) calls.take();
    return taken;
  };
}

function firstOffset([written]: readonly RecordMetadata[]): number | undefined {
  const offset = Number(written?.baseOffset ?? -1);
  return offset < 0 ? undefined : offset;
}
