import type { Consumer, ConsumerConfig, EachBatchPayload, KafkaMessage } from "kafkajs";
import { within } from "../../waiting/within.ts";
import { adminAsking } from "../client/admin-asking.ts";
import type { KafkaConnection } from "../client/kafka-connection.ts";
import { lastingConsumer } from "../client/lasting-consumer.ts";
import { withAdmin } from "../topics/kafka-topics.ts";
import { type ReachedOffsets, reachedOffsets } from "./reached-offsets.ts";
import { type BehindEvents, watchFollower } from "./watch-follower.ts";

/** Something that takes in a topic from a position on. */
export interface FollowedTopic {
  readonly topic: string;
  /** Which partitions are followed; all where absent. Asked at each join, and at `turnTo`. */
  readonly follows?: (partition: number) => boolean;
  /** Offset to read from: the one after what was taken in. */
  position(partition: number): number;
  /** In order. `next` is the position after them; there may be offsets that no record has. */
  apply(partition: number, records: readonly KafkaMessage[], next: number): Promise<void> | void;
}

export interface FollowerEvents extends BehindEvents {
  /** Records could not be taken in, or the client gave up; both are tried again. */
  followFailed(facts: { readonly error: unknown }): void;
}

/** One consumer for all that a process follows. Sees committed records only, and commits nothing itself. */
export interface TopicFollower {
  /**
   * Waits until everything is taken in that the followed partitions of the topic, or this one, held at the time of the
   * call; answers the ends.
   *
   * @throws AdapterError `store_read_failed` (retryable) when that takes longer than `timeoutMs`.
   */
  catchUp(topic: string, how?: CatchUp): Promise<ReadonlyMap<number, number>>;
  /** A partition is followed from now on, or no more, as `follows` says; what was reached of it is forgotten. */
  turnTo(topic: string, partition: number): void;
  /** Waits until this offset is taken in. */
  reach(topic: string, partition: number, offset: number, timeoutMs?: number): Promise<void>;
  close(): Promise<void>;
}

export interface CatchUp {
  readonly timeoutMs?: number;
  readonly partition?: number;
}

const patienceMs = 15_000;
const goodByeMsMax = 2000;

export interface FollowerOptions {
  readonly name: string;
  readonly events: FollowerEvents;
  /** How often a request is tried before `followFailed` is told; as `lastingConsumer` has it where absent. */
  readonly retry?: NonNullable<ConsumerConfig["retry"]>;
}

export async function followTopics(
  connection: KafkaConnection,
  followed: readonly FollowedTopic[],
  { name, events, retry }: FollowerOptions,
): Promise<TopicFollower> {
  const groups = new Set<string>();
  let group = "";
  const byTopic = new Map(followed.map((one) => [one.topic, one]));
  const reached = reachedOffsets();
  const { follows, positionOf, place } = readingPlaces(byTopic, reached);
  const admin = adminAsking(connection);

  async function eachBatch({ batch, resolveOffset, isStale }: EachBatchPayload): Promise<void> {
    const { topic, partition } = batch;
    const one = byTopic.get(topic);
    const last = batch.messages.at(-1);
    if (one === undefined || last === undefined || isStale() || !follows(topic, partition)) return;
    const from = one.position(partition);
    const fresh = batch.messages.filter(({ offset }) => Number(offset) >= from);
    const next = Number(batch.lastOffset()) + 1;
    try {
      await one.apply(partition, fresh, next);
    } catch (error) {
      events.followFailed({ error });
      throw error;
    }
    resolveOffset(last.offset);
    reached.arrived(topic, partition, next);
  }

  const heard = new WeakSet<Consumer>();

  const consumer = await lastingConsumer(connection, {
    groupId() {
      group = `${connection.settings.topicPrefix}${name}.${crypto.randomUUID()}`;
      return group;
    },
    topics: [...byTopic.keys()],
    eachBatch,
    joined(client, _member, assignment) {
      groups.add(group);
      for (const [topic, partitions] of assignment) {
        for (const partition of partitions) place(client, topic, partition);
      }
      if (!heard.has(client)) passEmptyBatches(client, reached);
      heard.add(client);
    },
    failed: (error) => events.followFailed({ error }),
    config: { maxWaitTimeInMs: 500, maxBytesPerPartition: 2 * 1024 * 1024, ...(retry === undefined ? {} : { retry }) },
  });

  const watches = followed.map(({ topic }) => {
    const ends = () => admin.ends(topic);
    const position = (partition: number) => positionOf(topic, partition);
    return watchFollower({ topic, ends, position, follows: (partition) => follows(topic, partition), events });
  });

  return {
    async catchUp(topic, { timeoutMs = patienceMs, partition: only } = {}) {
      const ends = await admin.ends(topic);
      const wanted = [...ends].filter(([partition]) => (only ?? partition) === partition && follows(topic, partition));
      const isThere = () => wanted.every(([partition, end]) => positionOf(topic, partition) >= end);
      await reached.until(isThere, topic, timeoutMs);
      return ends;
    },
    turnTo(topic, partition) {
      reached.forget(topic, partition);
      try {
        place(consumer.current(), topic, partition);
      } catch {
        // The client is out of its group, and places everything when it joins again.
      }
    },
    reach: (topic, partition, offset, timeoutMs = patienceMs) =>
      reached.until(() => positionOf(topic, partition) > offset, `${topic} up to ${offset}`, timeoutMs),
    async close() {
      for (const watch of watches) watch.close();
      const left = await consumer.close();
      await within(goodByeMsMax, admin.close());
      if (left === "late") return;
      // Nobody joins these groups again. The broker would forget them by itself after days.
      await within(
        goodByeMsMax,
        withAdmin(connection, (one) => one.deleteGroups([...groups])),
      );
    },
  };
}

/** Where each partition is read. */
function readingPlaces(byTopic: ReadonlyMap<string, FollowedTopic>, reached: ReachedOffsets) {
  const follows = (topic: string, partition: number) => byTopic.get(topic)?.follows?.(partition) ?? true;
  const taken = (topic: string, partition: number) => byTopic.get(topic)?.position(partition) ?? 0;
  return {
    follows,
    positionOf: (topic: string, partition: number) => Math.max(reached.next(topic, partition), taken(topic, partition)),
    /** Has it fetched from there, or not at all. */
    place(client: Consumer, topic: string, partition: number): void {
      const what = [{ topic, partitions: [partition] }];
      if (!follows(topic, partition)) return client.pause(what);
      client.seek({ topic, partition, offset: String(taken(topic, partition)) });
      client.resume(what);
    },
  };
}

/** Batches that hold nothing for us: markers of transactions take offsets too. */
function passEmptyBatches(client: Consumer, reached: ReachedOffsets): void {
  client.on(client.events.END_BATCH_PROCESS, ({ payload: { topic, partition, batchSize, lastOffset } }) => {
    if (batchSize === 0 && lastOffset !== null) reached.arrived(topic, partition, Number(lastOffset) + 1);
  });
}
