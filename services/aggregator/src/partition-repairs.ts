import type { Clock } from "@meterbook/core/ports/clock";
import type { DamageLog } from "@meterbook/core/ports/damage-log";
import type { AggregatorEvents } from "./aggregator-events.ts";
import type { PartitionWork } from "./partition-work.ts";
import { periodic } from "./periodic.ts";
import { strikeRevisions } from "./strike-revisions.ts";
import type { TaskQueue } from "./task-queue.ts";

export interface RepairedPartition {
  readonly work: PartitionWork;
  readonly queue: TaskQueue;
  readonly damages: Pick<DamageLog, "unmended" | "mend">;
  readonly clock: Clock;
  readonly events: Pick<AggregatorEvents, "housekeepingFailed">;
  /** Whether a damage is this partition's to mend, by its meter. */
  readonly wants: (meterId: string | null) => boolean;
}

/** Mends what is damaged in a partition, beside all other work. */
export interface PartitionRepairs {
  /** Takes up what is known by now; what that makes pending is issued later. */
  now(): Promise<void>;
  close(): Promise<void>;
}

const betweenMs = 1000;

export function partitionRepairs({ work, queue, events, ...ports }: RepairedPartition): PartitionRepairs {
  const { ledger, struck } = work;
  const now = () =>
    queue.run(() => work.take((book, pending) => strikeRevisions({ ...ports, ledger, struck }, book, pending)));
  const watch = periodic(betweenMs, () => now().catch((error: unknown) => events.housekeepingFailed({ error })));
  return { now, close: watch.close };
}
