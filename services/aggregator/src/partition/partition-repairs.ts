import { setTimeout } from "node:timers/promises";
import type { Clock } from "@meterbook/core/ports/clock";
import type { DamageLog } from "@meterbook/core/ports/damage-log";
import type { ReadingsLog } from "@meterbook/core/ports/readings-log";
import type { SeriesStore } from "@meterbook/core/ports/series-store";
import type { AggregatorEvents } from "../aggregator-events.ts";
import { seriesRebuilder } from "../repair/rebuild-series.ts";
import { registrySettling, type SettlePorts } from "../repair/settle-registry.ts";
import { strikeRevisions } from "../repair/strike-revisions.ts";
import { periodic } from "../watch/periodic.ts";
import type { TaskQueue } from "../watch/task-queue.ts";
import type { PartitionWork } from "./partition-work.ts";

export interface RepairedPartition {
  readonly work: PartitionWork;
  readonly queue: TaskQueue;
  readonly partition: number;
  readonly series: SeriesStore;
  readonly log: Pick<ReadingsLog, "history">;
  readonly damages: Pick<DamageLog, "report" | "unmended" | "mend">;
  readonly registry: SettlePorts["registry"];
  readonly clock: Clock;
  readonly events: Pick<AggregatorEvents, "housekeepingFailed">;
  /** Whether a damage is this partition's to mend, by its meter. */
  readonly wants: (meterId: string | null) => boolean;
}

/** Mends what is damaged in a partition, beside all other work. */
export interface PartitionRepairs {
  /**
   * Takes up the damage that is known by now; what that makes pending is issued later. A repair that takes longer than
   * some seconds, or fails, goes on without its caller: no close waits for the damage of another meter.
   */
  soon(): Promise<void>;
  close(): Promise<void>;
}

const betweenMs = 1000;
const soonMs = 3000;

export function partitionRepairs({
  work,
  queue,
  log,
  events,
  partition,
  ...ports
}: RepairedPartition): PartitionRepairs {
  const { ledger, struck } = work;
  const inTurn = (change: Parameters<PartitionWork["take"]>[0]) => queue.run(() => work.take(change));
  const closing = new AbortController();
  const history = log.history?.(partition);
  const rebuilder = seriesRebuilder({ ...ports, history, inTurn, closing: closing.signal });
  const settleRegistry = registrySettling(ports);
  let last = Promise.resolve();

  async function repair(): Promise<void> {
    // What the log is read again for would be taken for carried out.
    if (work.memory.isReadingAgain) return;
    await rebuilder.now();
    await inTurn(async (knownMeters, pending) => {
      await strikeRevisions({ ...ports, ledger, struck }, knownMeters, pending);
      await settleRegistry(knownMeters);
    });
  }

  /** One at a time, whoever asks. */
  function now(): Promise<void> {
    const next = last.then(repair);
    last = next.catch(() => undefined);
    return next;
  }

  const watch = periodic(betweenMs, () =>
    now().catch((error: unknown) => {
      if (!closing.signal.aborted) events.housekeepingFailed({ error });
    }),
  );
  return {
    soon: () => Promise.race([now().catch(() => undefined), setTimeout(soonMs, undefined, { ref: false })]),
    async close() {
      closing.abort();
      await watch.close();
      await last;
    },
  };
}
