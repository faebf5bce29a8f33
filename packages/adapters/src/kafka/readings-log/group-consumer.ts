import { systemClock } from "@meterbook/core/ports/clock";
import type { FrameConsumer, Subscription } from "@meterbook/core/ports/readings-log";
import type { ConsumerConfig } from "kafkajs";
import type { DamageTeller } from "../../report-batches/read-frame.ts";
import { endableBeat } from "../../waiting/beat.ts";
import { adminAsking } from "../client/admin-asking.ts";
import type { KafkaConnection } from "../client/kafka-connection.ts";
import { type LastingConsumer, lastingConsumer } from "../client/lasting-consumer.ts";
import { assignedPartitions } from "./assigned-partitions.ts";
import { offsetNotes } from "./offset-notes.ts";
import type { PartitionQueue, QueueEvents } from "./partition-queue.ts";

export interface GroupEvents extends QueueEvents {
  /** The partitions that this process has now. */
  assigned(facts: { readonly partitions: readonly number[] }): void;
  /** The client gave up and begins again. */
  consumerFailed(facts: { readonly error: unknown }): void;
  /** An offset could not be noted for lag monitors; the store's own position is what counts. */
  commitFailed(facts: { readonly error: unknown }): void;
}

/** How far behind the consumer of this process is with one of its partitions. */
export interface PartitionLag {
  readonly partition: number;
  /** The log's end minus the position. */
  readonly records: number;
  /** Since when it is known that a record waits; undefined when none does. */
  readonly waitsSinceMs: number | undefined;
}

export interface GroupConsumer extends Subscription {
  /** Asks the log for its ends: what is not fetched waits too. */
  lag(): Promise<readonly PartitionLag[]>;
}

export interface GroupConsumerOptions {
  readonly topic: string;
  readonly groupId: string;
  readonly partitions: number;
  readonly events: GroupEvents;
  readonly teller: DamageTeller;
  readonly config?: Partial<ConsumerConfig>;
}

const noteEveryMs = 1000;
/**
 * Under load what comes in between is one batch of each partition, and those of all partitions come at the same time
 * and share requests to the store: a request costs as much as some hundred readings.
 */
const fetchEveryMs = 120;

/**
 * Shares the partitions of a topic with the other members of a group. What is fetched waits in a queue per partition,
 * so that long work holds up neither heartbeats nor other partitions; a partition whose queue is full is not fetched.
 */
export async function groupConsumer(
  connection: KafkaConnection,
  consumer: FrameConsumer,
  options: GroupConsumerOptions,
): Promise<GroupConsumer> {
  const { topic, events, teller } = options;
  const assigned = assignedPartitions(topic, consumer, events, teller);
  const lagging = lagWatch();
  const admin = adminAsking(connection);
  const beat = endableBeat(fetchEveryMs);
  const notes = offsetNotes(topic, () => lasting.current(), events.commitFailed);

  const lasting: LastingConsumer = await lastingConsumer(connection, {
    groupId: () => options.groupId,
    topics: [topic],
    async eachBatch(payload) {
      assigned.take(lasting.current(), payload);
      // The next fetch waits for this.
      await beat.next();
    },
    joined(client, memberId, assignment) {
      const partitions = assignment.get(topic) ?? [];
      assigned.joined(client, memberId, partitions);
      events.assigned({ partitions });
    },
    failed: (error) => events.consumerFailed({ error }),
    partitionsAtOnce: options.partitions,
    ...(options.config === undefined ? {} : { config: options.config }),
  });

  let noting: Promise<void> | undefined;
  const timer = setInterval(() => {
    noting ??= notes
      .note(assigned.queues)
      .catch(() => undefined)
      .finally(() => {
        noting = undefined;
      });
  }, noteEveryMs);

  return {
    lag: async () => lagging.lagOf(assigned.queues, await admin.ends(topic)),
    async close() {
      clearInterval(timer);
      beat.end();
      // The member stays in its group meanwhile, so that nobody takes over what is not let go yet.
      await assigned.close();
      await noting;
      await notes.note(assigned.queues);
      await lasting.close();
      await admin.close();
    },
  };
}

/** Remembers since when a partition stands where it stands, for records that wait at the broker. */
function lagWatch() {
  const seen = new Map<number, { readonly position: number; readonly sinceMs: number }>();

  function standsSince(partition: number, position: number): number {
    const known = seen.get(partition);
    if (known?.position === position) return known.sinceMs;
    const sinceMs = systemClock.nowMs();
    seen.set(partition, { position, sinceMs });
    return sinceMs;
  }

  return {
    /** Of partitions that have said where they stand. */
    lagOf(queues: readonly PartitionQueue[], ends: ReadonlyMap<number, number>): PartitionLag[] {
      return queues.flatMap(({ partition, handledTo, oldestWaitingAtMs }) => {
        if (handledTo === undefined) return [];
        const records = Math.max(0, (ends.get(partition) ?? 0) - handledTo);
        if (records === 0) seen.delete(partition);
        const waitsSinceMs = records === 0 ? undefined : (oldestWaitingAtMs ?? standsSince(partition, handledTo));
        return [{ partition, records, waitsSinceMs }];
      });
    },
  };
}
