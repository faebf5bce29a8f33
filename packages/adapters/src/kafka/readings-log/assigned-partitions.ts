import type { FrameConsumer } from "@meterbook/core/ports/readings-log";
import type { Consumer, EachBatchPayload } from "kafkajs";
import type { DamageTeller } from "../../report-batches/read-frame.ts";
import { type PartitionPump, type PumpEvents, partitionPump } from "./partition-pump.ts";

/** The partitions that this member of a group has now, each with a pump. */
export interface AssignedPartitions {
  readonly pumps: readonly PartitionPump[];
  /** Told at each join: lets go what was taken away, begins what is new. */
  joined(client: Consumer, memberId: string, partitions: readonly number[]): void;
  take(client: Consumer, payload: EachBatchPayload): void;
  /** Begins no more, and waits until the consumer has let go of everything. The pumps stay to be asked where they stand. */
  close(): Promise<void>;
}

export function assignedPartitions(
  topic: string,
  consumer: FrameConsumer,
  events: PumpEvents,
  teller: DamageTeller,
): AssignedPartitions {
  const pumps = new Map<number, PartitionPump>();
  const closing = new Map<number, Promise<void>>();
  let member = "";
  let lastEpoch = 0;
  let closed = false;

  function begin(client: Consumer, partition: number): PartitionPump {
    // The time, so that it grows over processes; the store makes up for clocks that differ.
    lastEpoch = Math.max(Date.now(), lastEpoch + 1);
    const pump = partitionPump(partition, consumer, {
      events,
      teller,
      epoch: lastEpoch,
      after: closing.get(partition) ?? Promise.resolve(),
      again(asking) {
        if (pumps.get(partition) !== asking || closed) return;
        letGo(partition, asking);
        place(client, begin(client, partition));
      },
      ready(changed) {
        if (pumps.get(partition) === changed) place(client, changed);
      },
    });
    pumps.set(partition, pump);
    return pump;
  }

  function letGo(partition: number, pump: PartitionPump): void {
    pumps.delete(partition);
    closing.set(
      partition,
      pump.close().catch((error: unknown) => events.handleFailed({ partition, error })),
    );
  }

  /** Fetches a partition from where its pump is, or not while the consumer has not said from where or there is no room. */
  function place(client: Consumer, { partition, nextOffset, isFull }: PartitionPump): void {
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
    get pumps() {
      return [...pumps.values()];
    },
    joined(client, memberId, partitions) {
      // As a new member we were out of the group, and others may have owned what was ours.
      const kept = memberId === member ? partitions : [];
      member = memberId;
      for (const [partition, pump] of pumps) if (!kept.includes(partition)) letGo(partition, pump);
      if (closed) return;
      for (const partition of partitions) place(client, pumps.get(partition) ?? begin(client, partition));
    },
    take(client, { batch, resolveOffset, isStale, isRunning }) {
      const pump = pumps.get(batch.partition);
      if (pump === undefined || isStale() || !isRunning()) return;
      if (pump.offer(batch.messages) === "ask-again") return place(client, pump);
      const last = batch.messages.at(-1);
      if (last !== undefined) resolveOffset(last.offset);
      if (pump.isFull) place(client, pump);
    },
    async close() {
      closed = true;
      await Promise.all([...pumps.values()].map((pump) => pump.close()));
      await Promise.all(closing.values());
    },
  };
}
