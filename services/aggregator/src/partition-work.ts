import { AdapterError } from "@meterbook/core/ports/adapter-error";
import type { Clock } from "@meterbook/core/ports/clock";
import type { CommandOutcome } from "@meterbook/core/ports/commands";
import type { FrameBatch } from "@meterbook/core/ports/readings-log";
import type { Progress, SeriesStore } from "@meterbook/core/ports/series-store";
import type { AggregatorOptions } from "./aggregator-options.ts";
import { applyBatch, touchAgain } from "./apply-batch.ts";
import { boundaryWatch } from "./boundary-watch.ts";
import { issueSnapshots } from "./issue-snapshots.ts";
import type { MeterBook } from "./meter-book.ts";
import { openPartitionMemory, type PartitionMemory } from "./partition-memory.ts";
import type { PendingMeters } from "./pending-meters.ts";
import type { ReopeningLedger } from "./reopening-ledger.ts";
import { meterWarmer } from "./warm-meters.ts";

/** So long may housekeeping hold up the next batch, in milliseconds. */
const housekeepingBudgetMs = 20;

export interface PartitionWork {
  readonly memory: PartitionMemory;
  handle(batch: FrameBatch): Promise<void>;
  issueAll(): Promise<CommandOutcome>;
  /** Takes changes from elsewhere into memory, and records what that made pending. */
  take(change: (book: MeterBook, pending: PendingMeters) => Promise<void>): Promise<void>;
  /**
   * A slice of what goes on beside the batches: boundaries that pass, snapshots that are due, the store's upkeep. Nothing is
   * issued before the log is taken in as far as it went when the partition was taken over, or when an hour came at which
   * snapshots become due.
   */
  slice(): Promise<void>;
  /** Whether the last slice left something to do. */
  hasMore(): boolean;
}

export interface WorkPorts {
  readonly series: SeriesStore;
  readonly ledger: ReopeningLedger;
  readonly clock: Clock;
  /** Asks for the end of the log. */
  readonly logEnd: () => Promise<number>;
}

/** What an aggregator does for a partition. The caller never lets two of these run at a time. */
export async function partitionWork(ports: WorkPorts, options: AggregatorOptions): Promise<PartitionWork> {
  const { series, ledger, clock, logEnd } = ports;
  const { events, crashPoint } = options;
  const memory = await openPartitionMemory(series, clock, options);
  const watch = boundaryWatch(memory.water, clock, events);
  const warmer = meterWarmer(series, clock);
  let issueFrom: number | undefined = await logEnd();
  let more = false;

  async function issue(all: boolean, budgetMs: number): Promise<CommandOutcome> {
    await ledger.reopen();
    try {
      const issuePorts = { series, ledger, clock, events, crashPoint, issued: memory.record };
      return await issueSnapshots(issuePorts, memory.pending, { all, budgetMs });
    } catch (error) {
      if (!(error instanceof AdapterError && error.code === "ledger_fenced")) throw error;
      ledger.fenced(clock.nowMs());
      // Somebody else may have issued since: what is remembered of that counts no more.
      await memory.reopen();
      throw error;
    }
  }

  return {
    memory,
    hasMore: () => more,
    async issueAll() {
      if (!ledger.mayOpen(clock.nowMs())) throw new AdapterError("ledger_fenced", { retryable: true });
      return issue(true, Number.POSITIVE_INFINITY);
    },
    async take(change) {
      await change(memory.book, memory.pending);
      await memory.record();
    },
    async handle(batch) {
      const frames = memory.readAgain(batch.frames, (again) => touchAgain(memory.book, again, memory.pending.touched));
      if (frames.length > 0) await applyFrames({ series, memory, options }, { ...batch, frames });
      else await memory.record();
    },
    async slice() {
      if (watch.hasPassed(memory.book)) issueFrom = undefined;
      issueFrom ??= await logEnd();
      // Of a meter that was sending when the owner before ended, and of all during a backlog, the store may hold a part only.
      const isCaughtUp = memory.position >= issueFrom;
      const mayIssue = isCaughtUp && ledger.mayOpen(clock.nowMs());
      if (isCaughtUp) watch.sweep(memory.book, memory.pending);
      await memory.record();
      if (mayIssue) await issue(false, housekeepingBudgetMs);
      const tidying = await series.tidy(housekeepingBudgetMs);
      // Once a tick and no more: memory is a shortcut, and a start must not cost a core for minutes.
      await warmer.warm(memory.book, housekeepingBudgetMs);
      more = tidying || (mayIssue && memory.pending.due(1, false).length > 0);
    },
  };
}

interface Applying {
  readonly series: SeriesStore;
  readonly memory: PartitionMemory;
  readonly options: AggregatorOptions;
}

async function applyFrames({ series, memory, options }: Applying, batch: FrameBatch): Promise<void> {
  const { events, crashPoint } = options;
  const started = performance.now();
  const unit = await series.begin();
  try {
    const result = await applyBatch(unit, memory.book, batch, memory.pending.touched, crashPoint);
    const position = (batch.frames.at(-1)?.offset ?? -1) + 1;
    const { counts, newestAt } = series.progress;
    memory.water.reached(position, memory.pending.nextTicket);
    await unit.commit(
      memory.progress({ position, counts: sum(counts, result), newestAt: Math.max(newestAt, result.newestAt) }),
    );
    crashPoint("batch-committed");
    events.batchApplied({ ...result, seconds: (performance.now() - started) / 1000 });
  } catch (error) {
    await unit.abandon();
    await memory.reopen();
    events.batchFailed({ error });
    throw error;
  }
}

function sum(counts: Progress["counts"], more: Progress["counts"]): Progress["counts"] {
  return {
    stored: counts.stored + more.stored,
    duplicates: counts.duplicates + more.duplicates,
    conflicts: counts.conflicts + more.conflicts,
  };
}
