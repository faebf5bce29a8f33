import type { FrameConsumer, ReadingsLog, Subscription } from "@meterbook/core/ports/readings-log";
import type { AggregatorOptions } from "./aggregator-options.ts";
import type { PartitionBook, PartitionPorts } from "./partition/partition-book.ts";
import { openPartitionBook } from "./partition/partition-book.ts";
import { progressWatch } from "./partition/progress-watch.ts";

export interface AggregatorPorts extends PartitionPorts {
  readonly log: Pick<ReadingsLog, "partitions" | "consume" | "starts" | "ends" | "appendBarrier" | "history">;
}

/**
 * The aggregator: takes the partitions of the readings log that it is given into the series store and issues month-end
 * snapshots into the ledger, each partition for itself (partition-book.ts).
 */
export async function aggregateReadings(ports: AggregatorPorts, options: AggregatorOptions): Promise<Subscription> {
  const { partitions } = ports.log;
  const books = new Map<number, PartitionBook>();
  const opening = new Set<number>();
  const openAgain = new Map<number, () => void>();
  let newestAppendedAtMs = 0;

  const consumer: FrameConsumer = {
    async assigned(partition, epoch, gone, again) {
      // Assigned again without having been revoked: another owner may have been there meanwhile.
      await books.get(partition)?.close();
      books.delete(partition);
      opening.add(partition);
      openAgain.set(partition, () => again?.());
      gone?.addEventListener("abort", () => opening.delete(partition), { once: true });
      const book = await openPartitionBook(ports, options, { partition, partitions, epoch, gone, again });
      opening.delete(partition);
      books.set(partition, book);
      return book.resumeAt;
    },
    async revoked(partition) {
      const book = books.get(partition);
      books.delete(partition);
      await book?.close();
    },
    handle(batch) {
      newestAppendedAtMs = Math.max(newestAppendedAtMs, batch.frames.at(-1)?.appendedAtMs ?? 0);
      return owned(batch.partition).handle(batch);
    },
    lost: (range) => owned(range.partition).lost(range),
  };

  function owned(partition: number): PartitionBook {
    const book = books.get(partition);
    if (book === undefined) throw new Error(`partition ${partition} is not assigned`);
    return book;
  }

  const watch = progressWatch(ports, options.events, {
    standings: () => [
      ...[...books].map(([partition, book]) => ({ partition, position: book.position(), pending: book.pending() })),
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
      await Promise.all([...books.values()].map((book) => book.close()));
      books.clear();
    },
  };
}
