import type { AggregatorEvents } from "./aggregator-events.ts";
import type { PartitionPorts } from "./partition-book.ts";
import { type PartitionStanding, stillPartitions } from "./still-partitions.ts";

/** What is looked at. */
export interface Watched {
  standings(): readonly Pick<PartitionStanding, "partition" | "position">[];
  newestAppendedAtMs(): number;
  /** Told of a partition that is further than the log is: the log was put back to an older copy, or made anew. */
  logEndsBefore(partition: number): void;
}

const everyMs = 2000;

/** Looks every two seconds whether the partitions move. A log that does not answer is another's trouble to tell. */
export function progressWatch(
  { log, clock }: Pick<PartitionPorts, "log" | "clock">,
  events: Pick<AggregatorEvents, "looked">,
  { standings, newestAppendedAtMs, logEndsBefore }: Watched,
): { close(): void } {
  const still = stillPartitions();
  let ends: ReadonlyMap<number, number> = new Map();
  let isAsking = false;

  async function askEnds(): Promise<void> {
    if (isAsking) return;
    isAsking = true;
    const before = standings();
    try {
      ends = await log.ends();
      for (const { partition, position } of before)
        if (position !== undefined && position > (ends.get(partition) ?? position)) logEndsBefore(partition);
    } catch {
      // Those before are still true: a log only grows, but for one that is put back.
    }
    isAsking = false;
  }

  function look(): void {
    void askEnds();
    const now = standings().map((one) => ({ ...one, end: ends.get(one.partition) }));
    events.looked({
      still: still.look(now, performance.now()),
      logAheadMs: newestAppendedAtMs() - clock.nowMs(),
    });
  }

  const timer = setInterval(look, everyMs);
  timer.unref();
  return { close: () => clearInterval(timer) };
}
