import type { FrameConsumer, ReadingsLog, Subscription } from "@meterbook/core/ports/readings-log";
import type { AggregatorOptions } from "./aggregator-options.ts";
import type { OwnedPartition, PartitionPorts } from "./partition/owned-partition.ts";
import { openOwnedPartition } from "./partition/owned-partition.ts";
import { progressWatch } from "./partition/progress-watch.ts";

export interface AggregatorPorts extends PartitionPorts {
  readonly log: Pick<ReadingsLog, "partitions" | "consume" | "starts" | "ends" | "appendBarrier" | "history">;
}

/**
 * The aggregator: takes the partitions of the readings log that it is given into the series store and issues month-end
 * snapshots into the ledger, each partition for itself (owned-partition.ts).
 */
export async function aggregateReadings(ports: AggregatorPorts, options: AggregatorOptions): Promise<Subscription> {
  const { partitions } = ports.log;
  const owners = new Map<number, OwnedPartition>();
  const opening = new Set<number>();
  const openAgain = new Map<number, () => void>();
  let newestAppendedAtMs = 0;

  const consumer: FrameConsumer = {
    async assigned(partition, ownerNo, gone, again) {
      // Assigned again without having been revoked: another owner may have been there meanwhile.
      await owners.get(partition)?.close();
      owners.delete(partition);
      opening.add(partition);
      openAgain.set(partition, () => again?.());
      gone?.addEventListener("abort", () => opening.delete(partition), { once: true });
      const owner = await openOwnedPartition(ports, options, { partition, partitions, ownerNo, gone, again });
      opening.delete(partition);
      owners.set(partition, owner);
      return owner.resumeAt;
    },
    async revoked(partition) {
      const owner = owners.get(partition);
      owners.delete(partition);
      await owner?.close();
    },
    handle(batch) {
      newestAppendedAtMs = Math.max(newestAppendedAtMs, batch.frames.at(-1)?.appendedAtMs ?? 0);
      return owned(batch.partition).handle(batch);
    },
    lost: (range) => owned(range.partition).lost(range),
  };

  function owned(partition: number): OwnedPartition {
    const owner = owners.get(partition);
    if (owner === undefined) throw new Error(`partition ${partition} is not assigned`);
    return owner;
  }

  const watch = progressWatch(ports, options.events, {
    standings: () => [
      ...[...owners].map(([partition, owner]) => ({ partition, ...owner.standing() })),
      ...[...opening].map((partition) => ({ partition, position: undefined })),
    ],
    newestAppendedAtMs: () => newestAppendedAtMs,
    reopen: (partition) => openAgain.get(partition)?.(),
  });
  const frames = await ports.log.consume(consumer);
  return {
    async close() {
      watch.close();
      await frames.close();
      await Promise.all([...owners.values()].map((owner) => owner.close()));
      owners.clear();
    },
  };
}
