/** Where a partition of this process stands. */
export interface PartitionStanding {
  readonly partition: number;
  /** The next offset to take in; undefined while the partition is being opened. */
  readonly position: number | undefined;
  /** Meters that wait to be recomputed: a barrier that issues many of them moves, though the position stands. */
  readonly pending?: number;
  /** Meters whose months were made: of a slow store a barrier's first thousand take longer than a while. */
  readonly evaluated?: number;
  /** The log's end; undefined where it is not known. */
  readonly end: number | undefined;
}

/** One that does not move though there is something to do. */
export interface StillPartition {
  readonly partition: number;
  /** Frames that wait; undefined where the partition is not open yet. */
  readonly waiting: number | undefined;
  readonly seconds: number;
}

/** A batch on a slow store takes a second or two. */
const stillMsMin = 6000;

/** Remembers where partitions stood. */
export function stillPartitions() {
  let seen = new Map<number, { readonly at: string; readonly sinceMs: number }>();

  return {
    /** @param nowMs of a clock that does not jump. */
    look(standings: readonly PartitionStanding[], nowMs: number): StillPartition[] {
      const next: typeof seen = new Map();
      const still: StillPartition[] = [];
      for (const { partition, position, pending, evaluated, end } of standings) {
        const at = `${position}/${pending}/${evaluated}`;
        const isIdle = position !== undefined && position >= (end ?? position);
        const before = seen.get(partition);
        const moved = isIdle || before === undefined || before.at !== at;
        const sinceMs = moved ? nowMs : before.sinceMs;
        next.set(partition, { at, sinceMs });
        if (nowMs - sinceMs < stillMsMin) continue;
        const waiting = position === undefined ? undefined : (end ?? position) - position;
        still.push({ partition, waiting, seconds: Math.round((nowMs - sinceMs) / 1000) });
      }
      seen = next;
      return still;
    },
  };
}
