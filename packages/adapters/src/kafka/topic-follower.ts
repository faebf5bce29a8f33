import { AdapterError } from "@meterbook/core/ports/adapter-error";
import type { EachBatchPayload, KafkaMessage } from "kafkajs";
import { adminAsking } from "./admin-asking.ts";
import type { KafkaConnection } from "./kafka-connection.ts";
import { withAdmin } from "./kafka-topics.ts";
import { lastingConsumer } from "./lasting-consumer.ts";

/** Something that takes in a topic from a position on. */
export interface FollowedTopic {
  readonly topic: string;
  /** Offset to read from: the one after what was taken in. */
  position(partition: number): number;
  /** In order. `next` is the position after them; there may be offsets that no record has. */
  apply(partition: number, records: readonly KafkaMessage[], next: number): Promise<void> | void;
}

export interface FollowerEvents {
  /** Records could not be taken in, or the client gave up; both are tried again. */
  followFailed(facts: { readonly error: unknown }): void;
}

/** One consumer for all that a process follows. Sees committed records only, and commits nothing itself. */
export interface TopicFollower {
  /**
   * Waits until everything that the topic held at the time of the call is taken in; answers the ends.
   *
   * @throws AdapterError `store_read_failed` (retryable) when that takes longer than `timeoutMs`.
   */
  catchUp(topic: string, timeoutMs?: number): Promise<ReadonlyMap<number, number>>;
  /** Waits until this offset is taken in. */
  reach(topic: string, partition: number, offset: number, timeoutMs?: number): Promise<void>;
  close(): Promise<void>;
}

const patienceMs = 15_000;

export async function followTopics(
  connection: KafkaConnection,
  followed: readonly FollowedTopic[],
  { name, events }: { readonly name: string; readonly events: FollowerEvents },
): Promise<TopicFollower> {
  const groups: string[] = [];
  const byTopic = new Map(followed.map((one) => [one.topic, one]));
  const reached = new Map<string, number>();
  const waits = new Set<() => void>();
  const admin = adminAsking(connection);

  function arrived(topic: string, partition: number, next: number): void {
    reached.set(`${topic}/${partition}`, Math.max(next, reached.get(`${topic}/${partition}`) ?? 0));
    for (const look of waits) look();
  }

  async function eachBatch({ batch, resolveOffset, isStale }: EachBatchPayload): Promise<void> {
    const { topic, partition } = batch;
    const one = byTopic.get(topic);
    const last = batch.messages.at(-1);
    if (one === undefined || last === undefined || isStale()) return;
    const from = one.position(partition);
    const fresh = batch.messages.filter(({ offset }) => Number(offset) >= from);
    await one.apply(partition, fresh, Number(batch.lastOffset()) + 1);
    resolveOffset(last.offset);
  }

  const consumer = await lastingConsumer(connection, {
    groupId() {
      groups.push(`${connection.settings.topicPrefix}${name}.${crypto.randomUUID()}`);
      return groups.at(-1) as string;
    },
    topics: [...byTopic.keys()],
    eachBatch,
    joined(client, _member, assignment) {
      for (const [topic, partitions] of assignment) {
        for (const partition of partitions)
          client.seek({ topic, partition, offset: String(byTopic.get(topic)?.position(partition) ?? 0) });
      }
      // Also of batches that hold nothing for us: markers of transactions take offsets too.
      client.on(client.events.END_BATCH_PROCESS, ({ payload: { topic, partition, lastOffset } }) => {
        if (lastOffset !== null) arrived(topic, partition, Number(lastOffset) + 1);
      });
    },
    failed: (error) => events.followFailed({ error }),
    config: { maxWaitTimeInMs: 500, maxBytesPerPartition: 2 * 1024 * 1024 },
  });

  function until(holds: () => boolean, what: string, timeoutMs: number): Promise<void> {
    if (holds()) return Promise.resolve();
    return new Promise((resolve, reject) => {
      const end = () => {
        clearTimeout(timer);
        waits.delete(look);
      };
      const look = () => {
        if (!holds()) return;
        end();
        resolve();
      };
      const timer = setTimeout(() => {
        end();
        const detail = `${what} was not read within ${timeoutMs} ms`;
        reject(new AdapterError("store_read_failed", { retryable: true, detail }));
      }, timeoutMs);
      waits.add(look);
    });
  }

  const positionOf = (topic: string, partition: number) =>
    Math.max(reached.get(`${topic}/${partition}`) ?? 0, byTopic.get(topic)?.position(partition) ?? 0);

  return {
    async catchUp(topic, timeoutMs = patienceMs) {
      const ends = await admin.ends(topic);
      const isThere = () => [...ends].every(([partition, end]) => positionOf(topic, partition) >= end);
      await until(isThere, topic, timeoutMs);
      return ends;
    },
    reach: (topic, partition, offset, timeoutMs = patienceMs) =>
      until(() => positionOf(topic, partition) > offset, `${topic} up to ${offset}`, timeoutMs),
    async close() {
      await consumer.close();
      await admin.close();
      // Nobody joins these groups again. The broker would forget them by itself after days.
      await withAdmin(connection, (one) => one.deleteGroups(groups)).catch(() => undefined);
    },
  };
}
