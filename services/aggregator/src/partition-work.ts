import { tallyFrames } from "@meterbook/core/domain/tally";
import { AdapterError } from "@meterbook/core/ports/adapter-error";
import type { Clock } from "@meterbook/core/ports/clock";
import type { CommandOutcome } from "@meterbook/core/ports/commands";
import type { FrameBatch } from "@meterbook/core/ports/readings-log";
import type { RejectedLog } from "@meterbook/core/ports/rejected-log";
import type { Progress, SeriesStore } from "@meterbook/core/ports/series-store";
import type { SnapshotView } from "@meterbook/core/ports/snapshot-ledger";
import type { AggregatorOptions } from "./aggregator-options.ts";
import { applyBatch, touchAgain } from "./apply-batch.ts";
import { boundaryWatch } from "./boundary-watch.ts";
import { issueGate } from "./issue-gate.ts";
import { type IssueOptions, type IssueOutcome, issueSnapshots } from "./issue-snapshots.ts";
import { keepRefused } from "./keep-refused.ts";
import type { MeterBook } from "./meter-book.ts";
import type { MeterState } from "./meter-state.ts";
import { openPartitionMemory, type PartitionMemory } from "./partition-memory.ts";
import type { PendingMeters } from "./pending-meters.ts";
import type { ReopeningLedger } from "./reopening-ledger.ts";
import { type StruckRevisions, struckRevisions } from "./struck-revisions.ts";
import { meterWarmer } from "./warm-meters.ts";

/** So long may housekeeping hold up the next batch, in milliseconds. */
const housekeepingBudgetMs = 20;

export interface PartitionWork {
  readonly memory: PartitionMemory;
  readonly struck: StruckRevisions;
  readonly ledger: Pick<SnapshotView, "latestOfMeter">;
  handle(batch: FrameBatch): Promise<void>;
  /** Goes on at this offset: what lies before it and is not in the store is lost. */
  passOver(to: number): Promise<void>;
  /** From now on what the log holds by now is taken in before anything is issued. */
  shutGate(): void;
  /** `not yet` where nothing may be issued now: what the log held is not taken in, or the right to issue is in doubt. */
  issueAll(period: number): Promise<CommandOutcome | "not yet">;
  /** Takes changes from elsewhere into memory, and records what that made pending. */
  take(change: (book: MeterBook, pending: PendingMeters) => Promise<void>): Promise<void>;
  /**
   * A slice of what goes on beside the batches: boundaries that pass, snapshots that are due (issue-gate.ts), the store's
   * upkeep.
   */
  slice(): Promise<void>;
  /** Whether the last slice left something to do. */
  hasMore(): boolean;
}

export interface WorkPorts {
  readonly series: SeriesStore;
  readonly ledger: ReopeningLedger;
  readonly rejected: Pick<RejectedLog, "append">;
  readonly clock: Clock;
  /** Asks for the end of the log. */
  readonly logEnd: () => Promise<number>;
}

/** What an aggregator does for a partition. The caller never lets two of these run at a time. */
export async function partitionWork(ports: WorkPorts, options: AggregatorOptions): Promise<PartitionWork> {
  const { series, ledger, clock, logEnd } = ports;
  const { events, damaged, crashPoint } = options;
  const memory = await openPartitionMemory(series, clock, options);
  const watch = boundaryWatch(memory.water, clock, events);
  const warmer = meterWarmer(series, clock, damaged);
  const gate = issueGate({ ledger, clock, logEnd, position: () => memory.position }, options.settleSeconds);
  // A log that is not the one that the store was filled from is refused before anything else happens.
  await logEnd();
  const keep = keepRefused(ports.rejected, events);
  const struck = struckRevisions();
  let more = false;

  /** Whether something may be issued; what is due is marked then, and recorded. */
  async function openGate(): Promise<boolean> {
    if (watch.hasPassed(memory.book)) {
      gate.shut();
      memory.isMarked = false;
    }
    const isOpen = await gate.isOpen();
    if (isOpen) {
      watch.sweep(memory.book, memory.pending);
      memory.isMarked = true;
    }
    await memory.record();
    return isOpen;
  }

  async function issue(how: IssueOptions): Promise<IssueOutcome | "not yet"> {
    try {
      const { seen } = struck;
      const issuePorts = { series, ledger, clock, events, crashPoint, damaged, seen, issued: memory.record };
      return await issueSnapshots(issuePorts, memory.pending, how);
    } catch (error) {
      if (!(error instanceof AdapterError && error.code === "ledger_fenced")) throw error;
      ledger.fenced(clock.nowMs());
      gate.shut();
      // Somebody else may have issued since: what is remembered of that counts no more.
      await memory.reopen();
      return "not yet";
    }
  }

  return {
    memory,
    struck,
    ledger,
    hasMore: () => more,
    shutGate: gate.shut,
    async issueAll(period) {
      if (!(await openGate())) return "not yet";
      for (const { meter, from } of heldBack(memory.book)) memory.pending.mark(meter, from);
      const outcome = await issue({ all: true, budgetMs: Number.POSITIVE_INFINITY, period });
      if (outcome === "not yet") return outcome;
      return { ...outcome, heldBack: heldBack(memory.book).length, waiting: memory.pending.size };
    },
    async take(change) {
      await change(memory.book, memory.pending);
      await memory.record();
    },
    async handle(batch) {
      const frames = memory.readAgain(batch.frames, (again) =>
        touchAgain(memory.book, again, memory.pending.touched, options.damaged),
      );
      if (frames.length > 0) await applyFrames({ series, memory, options, keep }, { ...batch, frames });
      else await memory.record();
    },
    async passOver(to) {
      memory.passOver(to);
      await series.record(memory.progress({ position: to }));
    },
    async slice() {
      const isOpen = await openGate();
      if (isOpen) await issue({ all: false, budgetMs: housekeepingBudgetMs });
      const tidying = await series.tidy(housekeepingBudgetMs);
      // Once a tick and no more: memory is a shortcut, and a start must not cost a core for minutes.
      await warmer.warm(memory.book, housekeepingBudgetMs);
      more = tidying || (isOpen && memory.pending.due(1, false).length > 0);
    },
  };
}

/** Each of them is tried again whenever all is to be issued. */
function heldBack(book: MeterBook): { readonly meter: MeterState; readonly from: number }[] {
  const held: { meter: MeterState; from: number }[] = [];
  for (const meter of book.all()) {
    if (meter.heldBackFrom !== undefined) held.push({ meter, from: meter.heldBackFrom });
  }
  return held;
}

interface Applying {
  readonly series: SeriesStore;
  readonly memory: PartitionMemory;
  readonly options: AggregatorOptions;
  readonly keep: ReturnType<typeof keepRefused>;
}

async function applyFrames({ series, memory, options, keep }: Applying, batch: FrameBatch): Promise<void> {
  const { events, crashPoint, limits } = options;
  const { tally, fresh } = tallyFrames(series.progress.tally, batch.frames);
  const started = performance.now();
  const unit = await series.begin();
  try {
    const frames = { ...batch, frames: fresh };
    const result = await applyBatch(unit, { book: memory.book, limits }, frames, memory.pending.touched, options);
    await keep(result.refused);
    const position = (batch.frames.at(-1)?.offset ?? -1) + 1;
    const { counts, newestAt } = series.progress;
    const notReached = memory.water.reached(position, memory.pending.nextTicket);
    const refused = result.refused.reduce((total, { readings }) => total + readings, 0);
    const became = { counts: sum(counts, { ...result, refused }), newestAt: Math.max(newestAt, result.newestAt) };
    await unit.commit(memory.progress({ position, tally, ...became })).catch((error: unknown) => {
      notReached();
      throw error;
    });
    crashPoint("batch-committed");
    events.batchApplied({ ...result, refused, seconds: (performance.now() - started) / 1000 });
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
    refused: counts.refused + more.refused,
  };
}
