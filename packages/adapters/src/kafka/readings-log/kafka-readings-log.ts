import { systemClock } from "@meterbook/core/ports/clock";
import type { TellDamage } from "@meterbook/core/ports/damage-log";
import type { FrameConsumer, ReadingsLog } from "@meterbook/core/ports/readings-log";
import { encodeBarrier } from "@meterbook/core/records/barrier-protobuf";
import { partitionOf } from "@meterbook/sharding/slot";
import type { Tally } from "@meterbook/sharding/tally";
import type { ConsumerConfig, ProducerBatch } from "kafkajs";
import type { BusyLinger, FrameToWrite } from "../../report-batches/report-batcher.ts";
import { reportBatcher } from "../../report-batches/report-batcher.ts";
import { adminAsking } from "../client/admin-asking.ts";
import type { KafkaConnection } from "../client/kafka-connection.ts";
import type { WriteEvents } from "../client/lasting-producer.ts";
import { lastingProducer } from "../client/lasting-producer.ts";
import type { FollowerEvents, TopicFollower } from "../following/topic-follower.ts";
import { followTopics } from "../following/topic-follower.ts";
import { topicOf } from "../topics/kafka-topics.ts";
import type { GroupConsumer, GroupEvents, PartitionLag } from "./group-consumer.ts";
import { groupConsumer } from "./group-consumer.ts";
import { readingsHeader, tallyHeader } from "./readings-header.ts";
import { type TallyWriter, tallyWriter } from "./tally-writer.ts";
import { type ToldTallies, toldTallies } from "./told-tallies.ts";
import type { UnreadTail } from "./unread-tail.ts";
import { unreadTail } from "./unread-tail.ts";

export type ReadingsLogEvents = WriteEvents & GroupEvents & FollowerEvents;

export interface KafkaReadingsLogOptions {
  readonly connection: KafkaConnection;
  /** As the topic has them (`checkTopics` answers it). */
  readonly partitions: number;
  readonly events: ReadingsLogEvents;
  /** Largest frame, in bytes; a larger report is a frame of its own. */
  readonly frameBytesMax?: number;
  /** What may wait in memory, in bytes; above it `append` waits. */
  readonly waitingBytesMax?: number;
  /** How long a report waits for others when nothing is being written. */
  readonly lingerMs?: number;
  /** The same while many come. */
  readonly busy?: BusyLinger;
  /** How long `close` waits for what is not acknowledged yet; after it those appends are rejected. */
  readonly closeMsMax?: number;
  readonly consumer?: Partial<ConsumerConfig>;
  /** Told of records that cannot be read, by whoever consumes. */
  readonly damaged?: TellDamage;
  /** Told `log-write-begun` and `log-written`, the moments around a write at which a process may die. */
  readonly crashPoint?: (name: string) => void;
}

export interface KafkaReadingsLog extends ReadingsLog {
  /** Of the consumer of this process; nothing where it consumes nothing. */
  lag(): Promise<readonly PartitionLag[]>;
}

const defaults = {
  frameBytesMax: 512 * 1024,
  framesPerWriteMax: 64,
  // All of it may be of one partition, and a topic takes a batch of so much at once (topic-rules.ts).
  bytesPerWriteMax: 8 * 1024 * 1024,
  waitingBytesMax: 64 * 1024 * 1024,
  lingerMs: 2,
  // Each write costs the broker and us as much as some hundred reports.
  busy: { reportsPerSecond: 2000, lingerMs: 40, reportsMax: 1000 },
  closeMsMax: 10_000,
};

/**
 * The readings log on Kafka. One write is under way at a time, over all partitions: kafkajs reorders sends that
 * overlap, and what gathers meanwhile makes the next frames larger and so cheaper.
 */
export function openKafkaReadingsLog(options: KafkaReadingsLogOptions): KafkaReadingsLog {
  const { connection, partitions, events, crashPoint = () => undefined } = options;
  const settings = { ...defaults, ...options };
  const topic = topicOf(connection, "readings");
  const producer = lastingProducer(connection, events);
  const admin = adminAsking(connection);
  const open = new Set<GroupConsumer>();
  const tail = tailReader(connection, topic, events);
  const tally = tallyWriter(connection, events);
  const batcher = reportBatcher(
    async (frames) => {
      const written = producer.send([recordsOf(topic, frames, tally)]);
      crashPoint("log-write-begun");
      await written.catch((error: unknown) => {
        tally.failed();
        throw error;
      });
      tally.kept();
      crashPoint("log-written");
    },
    { ...settings, partitionOf: ({ meterId }) => partitionOf(meterId, partitions) },
  );

  async function consume(consumer: FrameConsumer): Promise<GroupConsumer> {
    const groupId = `${connection.settings.topicPrefix}aggregator`;
    const teller = { damaged: options.damaged ?? (() => undefined), nowMs: systemClock.nowMs };
    const config = options.consumer === undefined ? {} : { config: options.consumer };
    const group = await groupConsumer(connection, consumer, { topic, groupId, partitions, events, teller, ...config });
    open.add(group);
    return {
      lag: group.lag,
      async close() {
        if (open.delete(group)) await group.close();
      },
    };
  }

  return {
    partitions,
    append: batcher.add,
    async appendBarrier(of, barrier) {
      const value = Buffer.from(encodeBarrier(barrier));
      const messages = of.map((partition) => ({ partition, value }));
      const written = await producer.send([{ topic, messages }]);
      return new Map(written.map(({ partition, baseOffset }) => [partition, Number(baseOffset)]));
    },
    consume,
    ends: () => admin.ends(topic),
    starts: () => admin.starts(topic),
    unread: tail.unread,
    lag: async () => (await [...open][0]?.lag()) ?? [],
    async close() {
      await Promise.all([...open].map((group) => group.close()));
      open.clear();
      const timer = setTimeout(() => void producer.close(), settings.closeMsMax);
      await batcher.close();
      clearTimeout(timer);
      await producer.close();
      await tally.close();
      await tail.close();
      await admin.close();
    },
  };
}

function recordsOf(
  topic: string,
  frames: readonly FrameToWrite[],
  tally: Pick<TallyWriter, "next">,
): NonNullable<ProducerBatch["topicMessages"]>[number] {
  const headersOf = (partition: number, readings: number) => ({
    [readingsHeader]: String(readings),
    [tallyHeader]: tally.next(partition, readings),
  });
  return {
    topic,
    messages: frames.map(({ partition, bytes, readings }) => {
      const value = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
      return { partition, value, headers: headersOf(partition, readings) };
    }),
  };
}

/** Of several who ask at a time one may bring positions that are some moments old. */
const forgottenMax = 3;

/** Follows the log from the first positions asked for on. */
function tailReader(connection: KafkaConnection, topic: string, events: FollowerEvents) {
  let started: Promise<{ tail: UnreadTail; told: ToldTallies; follower: TopicFollower }> | undefined;

  async function start(positions: ReadonlyMap<number, number>) {
    const told = toldTallies(topicOf(connection, "tallies"));
    const tail = unreadTail(topic, positions, told);
    return { tail, told, follower: await followTopics(connection, [tail, told], { name: "tail", events }) };
  }

  let forgotten = 0;

  /** The store's position went back where it was put back to an older copy. */
  async function fromThere(one: Awaited<ReturnType<typeof start>>, positions: ReadonlyMap<number, number>) {
    forgotten = one.tail.hasForgotten(positions) ? forgotten + 1 : 0;
    if (forgotten < forgottenMax) return one;
    forgotten = 0;
    await one.follower.close();
    return start(positions);
  }

  return {
    async unread(positions: ReadonlyMap<number, number>, tallies: ReadonlyMap<number, Tally> = new Map()) {
      started ??= start(positions);
      started = started.then((one) => fromThere(one, positions));
      const { tail, told, follower } = await started;
      // What is told of was appended before: the other way round there would be more than there is.
      await follower.catchUp(told.topic);
      told.settle();
      await follower.catchUp(topic);
      return tail.count(positions, tallies);
    },
    async close() {
      await started?.then(({ follower }) => follower.close());
    },
  };
}
