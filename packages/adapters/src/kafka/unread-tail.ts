import type { Unread } from "@meterbook/core/ports/readings-log";
import { readingsOf } from "./readings-header.ts";
import type { FollowedTopic } from "./topic-follower.ts";

/** Counts the frames behind given positions: reads the tail of the log along, and keeps a number or two per frame. */
export interface UnreadTail extends FollowedTopic {
  /** What stands from the positions on, as far as the tail was read. */
  count(positions: ReadonlyMap<number, number>): Unread;
  /** Whether what stands before a position was counted out already: the store was put back, and counting must begin anew. */
  hasForgotten(positions: ReadonlyMap<number, number>): boolean;
}

interface Tail {
  /** The offset after the newest frame that was read. */
  next: number;
  /** From `first` on, `offsets[i]` was appended at `appendedAtMs[i]` and brought the readings to `total[i]`. */
  first: number;
  offsets: number[];
  appendedAtMs: number[];
  total: number[];
  /** Readings before `first`. */
  totalBefore: number;
  /** The greatest position that was counted from. */
  countedFrom: number;
}

/** @param from where counting begins: positions that the store has reached. */
export function unreadTail(topic: string, from: ReadonlyMap<number, number>): UnreadTail {
  const tails = new Map<number, Tail>();

  function tailOf(partition: number): Tail {
    let tail = tails.get(partition);
    if (tail === undefined) {
      const next = from.get(partition) ?? 0;
      tail = { next, first: 0, offsets: [], appendedAtMs: [], total: [], totalBefore: 0, countedFrom: next };
      tails.set(partition, tail);
    }
    return tail;
  }

  return {
    topic,
    position: (partition) => tailOf(partition).next,
    apply(partition, records, next) {
      const tail = tailOf(partition);
      let total = tail.total.at(-1) ?? tail.totalBefore;
      for (const record of records) {
        total += readingsOf(record);
        tail.offsets.push(Number(record.offset));
        tail.appendedAtMs.push(Number(record.timestamp));
        tail.total.push(total);
      }
      tail.next = next;
    },
    hasForgotten: (positions) =>
      [...tails].some(([partition, { countedFrom }]) => (positions.get(partition) ?? 0) < countedFrom),
    count(positions) {
      let readings = 0;
      let oldestAppendedAtMs: number | undefined;
      for (const [partition, tail] of tails) {
        // A frame holds at least one reading; the exact number is known when counting has begun anew.
        readings += Math.max(0, tail.countedFrom - (positions.get(partition) ?? 0));
        forget(tail, positions.get(partition) ?? 0);
        readings += (tail.total.at(-1) ?? tail.totalBefore) - tail.totalBefore;
        const oldest = tail.appendedAtMs[tail.first];
        if (oldest !== undefined) oldestAppendedAtMs = Math.min(oldestAppendedAtMs ?? oldest, oldest);
      }
      return { readings, oldestAppendedAtMs };
    },
  };
}

/** What lies before the position counts no more. */
function forget(tail: Tail, position: number): void {
  tail.countedFrom = Math.max(tail.countedFrom, position);
  while ((tail.offsets[tail.first] ?? Number.POSITIVE_INFINITY) < position) {
    tail.totalBefore = tail.total[tail.first] as number;
    tail.first += 1;
  }
  if (tail.first < 10_000 && tail.first < tail.offsets.length) return;
  tail.offsets = tail.offsets.slice(tail.first);
  tail.appendedAtMs = tail.appendedAtMs.slice(tail.first);
  tail.total = tail.total.slice(tail.first);
  tail.first = 0;
}
