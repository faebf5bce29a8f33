import type { FrameConsumer, Subscription } from "@meterbook/core/ports/readings-log";
import type { Consumer, ConsumerConfig, EachBatchPayload } from "kafkajs";
import type { KafkaConnection } from "./kafka-connection.ts";
import { type LastingConsumer, lastingConsumer } from "./lasting-consumer.ts";
import type { PartitionPump, PumpEvents } from "./partition-pump.ts";
import { partitionPump } from "./partition-pump.ts";

export interface GroupEvents extends PumpEvents {
  /** The partitions that this process has now. */
  assigned(facts: { readonly partitions: readonly number[] }): void;
  /** The client gave up and begins again. */
  consumerFailed(facts: { readonly error: unknown }): void;
  /** An offset could not be noted for lag monitors; the store's own position is what counts. */
  commitFailed(facts: { readonly error: unknown }): void;
}

/** How far behind the consumer of this process is, over its partitions. */
export interface ConsumerLag {
  readonly records: number;
  /** When the oldest unread record was appended; undefined when all is read. */
  readonly oldestUnreadAtMs: number | undefined;
}

export interface GroupConsumer extends Subscription {
  lag(): ConsumerLag;
}

export interface GroupConsumerOptions {
  readonly topic: string;
  readonly groupId: string;
  readonly partitions: number;
  readonly events: GroupEvents;
  readonly config?: Partial<ConsumerConfig>;
}

const commitEveryMs = 1000;

/**
 * Shares the partitions of a topic with the other members of a group. What is fetched waits in a pump per partition, so
 * that long work holds up neither heartbeats nor other partitions; a partition whose pump is full is not fetched.
 */
export async function groupConsumer(
  connection: KafkaConnection,
  consumer: FrameConsumer,
  options: GroupConsumerOptions,
): Promise<GroupConsumer> {
  const { topic, events } = options;
  const pumps = new Map<number, PartitionPump>();
  const ends = new Map<number, number>();
  const closing = new Map<number, Promise<void>>();
  const committed = new Map<number, number>();
  let member = "";

  function joined(client: Consumer, memberId: string, assignment: ReadonlyMap<string, readonly number[]>): void {
    const partitions = assignment.get(topic) ?? [];
    // As a new member we were out of the group, and others may have owned what was ours.
    const kept = memberId === member ? partitions : [];
    member = memberId;
    for (const partition of pumps.keys()) if (!kept.includes(partition)) letGo(partition);
    for (const partition of partitions) {
      const pump = pumps.get(partition) ?? begin(client, partition);
      steer(client, pump);
      if (pump.nextOffset !== undefined) client.seek({ topic, partition, offset: String(pump.nextOffset) });
    }
    events.assigned({ partitions });
  }

  function begin(client: Consumer, partition: number): PartitionPump {
    const after = closing.get(partition) ?? Promise.resolve();
    const pump = partitionPump(partition, consumer, {
      events,
      after,
      epoch: Math.floor(Date.now() / 1000),
      ready(changed) {
        if (pumps.get(partition) !== changed) return;
        client.seek({ topic, partition, offset: String(changed.nextOffset ?? 0) });
        steer(client, changed);
      },
    });
    pumps.set(partition, pump);
    return pump;
  }

  function letGo(partition: number): void {
    const pump = pumps.get(partition);
    pumps.delete(partition);
    committed.delete(partition);
    if (pump !== undefined)
      closing.set(
        partition,
        pump.close().catch((error: unknown) => events.handleFailed({ partition, error })),
      );
  }

  /** A partition is fetched when the consumer has said from where, and while there is room. */
  function steer(client: Consumer, { partition, nextOffset, isFull }: PartitionPump): void {
    const what = [{ topic, partitions: [partition] }];
    if (nextOffset === undefined || isFull) client.pause(what);
    else client.resume(what);
  }

  async function eachBatch({ batch, resolveOffset, isStale, isRunning }: EachBatchPayload): Promise<void> {
    const pump = pumps.get(batch.partition);
    if (pump === undefined || isStale() || !isRunning()) return;
    ends.set(batch.partition, Number(batch.highWatermark));
    pump.offer(batch.messages);
    const last = batch.messages.at(-1);
    if (last !== undefined) resolveOffset(last.offset);
    if (pump.isFull) steer(lasting.current(), pump);
  }

  async function commit(): Promise<void> {
    const due = [...pumps.values()].flatMap(({ partition, handledTo }) =>
      handledTo === undefined || handledTo <= (committed.get(partition) ?? 0) ? [] : [{ partition, handledTo }],
    );
    if (due.length === 0) return;
    try {
      await lasting
        .current()
        .commitOffsets(due.map(({ partition, handledTo }) => ({ topic, partition, offset: String(handledTo) })));
      for (const { partition, handledTo } of due) committed.set(partition, handledTo);
    } catch (error) {
      events.commitFailed({ error });
    }
  }

  const lasting: LastingConsumer = await lastingConsumer(connection, {
    groupId: options.groupId,
    topics: [topic],
    eachBatch,
    joined,
    failed: (error) => events.consumerFailed({ error }),
    partitionsAtOnce: options.partitions,
    ...(options.config === undefined ? {} : { config: options.config }),
  });
  const timer = setInterval(() => void commit(), commitEveryMs);

  return {
    lag: () => lagOf([...pumps.values()], ends),
    async close() {
      clearInterval(timer);
      const open = [...pumps.keys()];
      await Promise.all([...pumps.values()].map((pump) => pump.close()));
      await Promise.all(open.map((partition) => closing.get(partition)));
      await commit();
      pumps.clear();
      await lasting.close();
    },
  };
}

function lagOf(pumps: readonly PartitionPump[], ends: ReadonlyMap<number, number>): ConsumerLag {
  let records = 0;
  let oldestUnreadAtMs: number | undefined;
  for (const { partition, handledTo, oldestWaitingAtMs } of pumps) {
    if (handledTo !== undefined) records += Math.max(0, (ends.get(partition) ?? handledTo) - handledTo);
    if (oldestWaitingAtMs !== undefined)
      oldestUnreadAtMs = Math.min(oldestUnreadAtMs ?? oldestWaitingAtMs, oldestWaitingAtMs);
  }
  return { records, oldestUnreadAtMs };
}
