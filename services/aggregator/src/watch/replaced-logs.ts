import type { PartitionStanding } from "./still-partitions.ts";

/** A partition's log that is not the one that was read: it ends before where its reader stands. */
export interface ReplacedLog {
  readonly partition: number;
  readonly position: number;
  readonly end: number;
  /** So many records of the log before were known and not in the store. */
  readonly lost: number;
}

/** After an election a broker may say for a moment that a log ends earlier than it does. */
const looksMin = 2;

/** Remembers the greatest end that each partition was seen to have. */
export function replacedLogs() {
  const greatest = new Map<number, number>();
  const before = new Map<number, number>();

  return {
    /** @param standings as they were before the ends were asked for. Each log that was replaced is answered once. */
    look(
      standings: readonly Pick<PartitionStanding, "partition" | "position">[],
      ends: ReadonlyMap<number, number>,
    ): ReplacedLog[] {
      const found: ReplacedLog[] = [];
      for (const { partition, position } of standings) {
        const end = ends.get(partition) ?? 0;
        if (position === undefined || end >= position) {
          before.delete(partition);
          greatest.set(partition, Math.max(end, greatest.get(partition) ?? 0));
          continue;
        }
        const looks = (before.get(partition) ?? 0) + 1;
        before.set(partition, looks);
        if (looks !== looksMin) continue;
        found.push({ partition, position, end, lost: Math.max(0, (greatest.get(partition) ?? 0) - position) });
        greatest.delete(partition);
      }
      return found;
    },
  };
}
