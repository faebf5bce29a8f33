import { checkWriterTally, type WriterTally } from "@meterbook/core/records/writer-tally-protobuf";
import type { FollowedTopic } from "../following/topic-follower.ts";

/** What writers have told of themselves, as of the last call of `settle`. */
export interface ToldTallies extends FollowedTopic {
  /** From now on what was read by now counts. */
  settle(): void;
  of(partition: number): Iterable<readonly [writer: string, total: number]>;
  partitions(): Iterable<number>;
}

export function toldTallies(topic: string): ToldTallies {
  const byPartition = new Map<number, Map<string, number>>();
  let read: WriterTally[] = [];
  let position = 0;

  function take({ writer, readings }: WriterTally): void {
    for (const [partition, total] of readings) {
      const writers = byPartition.get(partition) ?? new Map<string, number>();
      byPartition.set(partition, writers);
      writers.set(writer, Math.max(total, writers.get(writer) ?? 0));
    }
  }

  return {
    topic,
    position: () => position,
    apply(_, records, next) {
      for (const { value } of records) {
        // What cannot be read counts for nothing: its writer's frames say the same, and its next record too.
        const { record } = checkWriterTally(value);
        if (record !== undefined) read.push(record);
      }
      position = next;
    },
    settle() {
      for (const tally of read) take(tally);
      read = [];
    },
    of: (partition) => byPartition.get(partition) ?? [],
    partitions: () => byPartition.keys(),
  };
}
