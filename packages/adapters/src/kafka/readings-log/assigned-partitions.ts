import type { FrameConsumer } from "@meterbook/core/ports/readings-log";
import type { Consumer, EachBatchPayload } from "kafkajs";
import type { DamageTeller } from "../../report-batches/read-frame.ts";
import { type PartitionQueue, partitionQueue, type QueueEvents } from "./partition-queue.ts";

/** The partitions that this member of a group has now, each with a queue. */
export interface AssignedPartitions {
  readonly queues: readonly PartitionQueue[];
  /** Told at each join: lets go what was taken away, begins what is new. */
  joined(client: Consumer, memberId: string, partitions: readonly number[]): void;
  take(client: Consumer, payload: EachBatchPayload): void;
  /**
   * Begins no more, and waits until the consumer has let go of everything. The queues stay to be asked where they
   * stand.
   */
  close(): Promise<void>;
}

export function assignedPartitions(
  topic: string,
  consumer: FrameConsumer,
  events: QueueEvents,
  teller: DamageTeller,
): AssignedPartitions {
  const queues = new Map<number, PartitionQueue>();
  const closing = new Map<number, Promise<void>>();
  let member = "";
  let lastEpoch = 0;
  let closed = false;

  function begin(client: Consumer, partition: number): PartitionQueue {
    // The time, so that it grows over processes; the store makes up for clocks that differ.
    lastEpoch = Math.max(Date.now(), lastEpoch + 1);
    const queue = partitionQueue(partition, consumer, {
      events,
      teller,
      epoch: lastEpoch,
      after: closing.get(partition) ?? Promise.resolve(),
      again(asking) {
        if (queues.get(partition) !== asking || closed) return;
        letGo(partition, asking);
        place(client, begin(client, partition));
      },
      ready(changed) {
        if (queues.get(partition) === changed) place(client, changed);
      },
    });
    queues.set(partition, queue);
    return queue;
  }

  function letGo(partition: number, queue: PartitionQueue): void {
    queues.delete(partition);
    closing.set(
      partition,
      queue.close().catch((error: unknown) => events.handleFailed({ partition, error })),
    );
  }

  /**
   * Fetches a partition from where its queue is, or not while the consumer has not said from where or there is no room.
   */
  function place(client: Consumer, { partition, nextOffset, isFull }: PartitionQueue): void {
    const what = [{ topic, partitions: [partition] }];
    try {
      if (nextOffset !== undefined) client.seek({ topic, partition, offset: String(nextOffset) });
      if (nextOffset === undefined || isFull) client.pause(what);
      else client.resume(what);
    } catch {
      // The client is out of its group, and places everything when it joins again.
    }
  }

  return {
    get queues() {
      return [...queues.values()];
    },
    joined(client, memberId, partitions) {
      // As a new member we were out of the group, and others may have owned what was ours.
      const kept = memberId === member ? partitions : [];
      member = memberId;
      for (const [partition, queue] of queues) if (!kept.includes(partition)) letGo(partition, queue);
      if (closed) return;
      for (const partition of partitions) place(client, queues.get(partition) ?? begin(client, partition));
    },
    take(client, { batch, resolveOffset, isStale, isRunning }) {
      const queue = queues.get(batch.partition);
      if (queue === undefined || isStale() || !isRunning()) return;
      if (queue.offer(batch.messages) === "ask-again") return place(client, queue);
      const last = batch.messages.at(-1);
      if (last !== undefined) resolveOffset(last.offset);
      if (queue.isFull) place(client, queue);
    },
    async close() {
      closed = true;
      await Promise.all([...queues.values()].map((queue) => queue.close()));
      await Promise.all(closing.values());
    },
  };
}
