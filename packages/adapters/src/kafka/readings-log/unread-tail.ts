import type { Unread } from "@meterbook/core/ports/readings-log";
import { noTally, readingsAppended, type Tally } from "@meterbook/sharding/tally";
import type { FollowedTopic } from "../following/topic-follower.ts";
import { tallyOf } from "./readings-header.ts";
import type { ToldTallies } from "./told-tallies.ts";

/** Counts the frames behind given positions: reads the tail of the log along, and keeps a few numbers per frame. */
export interface UnreadTail extends FollowedTopic {
  /** What stands from the positions on, as far as the tail was read, and what was ever appended. */
  count(positions: ReadonlyMap<number, number>, tallies: ReadonlyMap<number, Tally>): Unread;
  /**
   * Whether frames behind one of these positions were counted and dropped already, because the store was put back. Then
   * counting must begin again.
   */
  hasForgotten(positions: ReadonlyMap<number, number>): boolean;
}

interface Tail {
  /** The offset after the newest frame that was read. */
  next: number;
  /**
   * From `first` on, `offsets[i]` was appended at `appendedAtMs[i]` by `writer[i]` and brought the readings to
   * `total[i]`.
   */
  first: number;
  offsets: number[];
  appendedAtMs: number[];
  writer: string[];
  total: number[];
  /** Readings before `first`. */
  totalBefore: number;
  /** The greatest position that was counted from. */
  countedFrom: number;
  /** What each writer's newest frame says. */
  readonly writers: Map<string, number>;
}

/** @param from where counting begins: positions that the store has reached. */
export function unreadTail(
  topic: string,
  from: ReadonlyMap<number, number>,
  told: Pick<ToldTallies, "of" | "partitions">,
): UnreadTail {
  const tails = new Map<number, Tail>();

  function tailOf(partition: number): Tail {
    let tail = tails.get(partition);
    if (tail === undefined) {
      const next = from.get(partition) ?? 0;
      const frames = { first: 0, offsets: [], appendedAtMs: [], writer: [], total: [] };
      tail = { next, ...frames, totalBefore: 0, countedFrom: next, writers: new Map() };
      tails.set(partition, tail);
    }
    return tail;
  }

  function acceptedIn(partition: number, tally: Tally): number {
    const tail = tails.get(partition);
    const known = [...(tail?.writers ?? []), ...told.of(partition)];
    return readingsAppended(tally, known, tail === undefined ? 0 : readingsUpTo(tail, tally.earlier.through));
  }

  return {
    topic,
    position: (partition) => tailOf(partition).next,
    apply(partition, records, next) {
      const tail = tailOf(partition);
      let total = tail.total.at(-1) ?? tail.totalBefore;
      for (const record of records) {
        const { writer, total: said, readings } = tallyOf(record);
        // A frame that was written a second time is none (tally.ts).
        const isRepeated = writer !== "" && said <= (tail.writers.get(writer) ?? 0);
        if (!isRepeated) total += readings;
        if (writer !== "" && !isRepeated) tail.writers.set(writer, said);
        tail.offsets.push(Number(record.offset));
        tail.appendedAtMs.push(Number(record.timestamp));
        tail.writer.push(writer);
        tail.total.push(total);
      }
      tail.next = next;
    },
    hasForgotten: (positions) =>
      [...tails].some(([partition, { countedFrom }]) => (positions.get(partition) ?? 0) < countedFrom),
    count(positions, tallies) {
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
      let accepted = 0;
      for (const partition of new Set([...tails.keys(), ...tallies.keys(), ...told.partitions()]))
        accepted += acceptedIn(partition, tallies.get(partition) ?? noTally);
      return { readings, oldestAppendedAtMs, accepted };
    },
  };
}

/** Readings that are unread, of writers whose names sort up to `through`. */
function readingsUpTo({ first, writer, total, totalBefore }: Tail, through: string): number {
  let readings = 0;
  for (let i = first; i < writer.length; i += 1) {
    const before = i === first ? totalBefore : (total[i - 1] as number);
    if ((writer[i] as string) <= through) readings += (total[i] as number) - before;
  }
  return readings;
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
  tail.writer = tail.writer.slice(tail.first);
  tail.total = tail.total.slice(tail.first);
  tail.first = 0;
}
