import type { AggregatorEvents } from "../aggregator-events.ts";
import { replacedLogs } from "../watch/replaced-logs.ts";
import { type PartitionStanding, stillPartitions } from "../watch/still-partitions.ts";
import type { PartitionPorts } from "./owned-partition.ts";
import { partitionLosses } from "./partition-losses.ts";

/** What is looked at. */
export interface Watched {
  standings(): readonly Omit<PartitionStanding, "end">[];
  newestAppendedAtMs(): number;
  /** Has the partition opened again. */
  reopen(partition: number): void;
}

const everyMs = 2000;

/** Looks every two seconds whether the partitions move. A log that does not answer is another's trouble to tell. */
export function progressWatch(
  ports: Pick<PartitionPorts, "log" | "clock" | "damages">,
  events: Pick<AggregatorEvents, "looked">,
  { standings, newestAppendedAtMs, reopen }: Watched,
): { close(): void } {
  const { log, clock } = ports;
  const still = stillPartitions();
  const replaced = replacedLogs();
  let ends: ReadonlyMap<number, number> = new Map();
  let isAsking = false;

  async function askEnds(): Promise<void> {
    if (isAsking) return;
    isAsking = true;
    const before = standings();
    try {
      ends = await log.ends();
      for (const one of replaced.look(before, ends)) {
        await partitionLosses(ports, one.partition).logReplaced(one);
        reopen(one.partition);
      }
    } catch {
      // Whoever asks for it next says so.
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
