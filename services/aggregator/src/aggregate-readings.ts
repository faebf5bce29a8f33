import type { Clock } from "@meterbook/core/ports/clock";
import type { CommandOutcome, Commands } from "@meterbook/core/ports/commands";
import type { FrameBatch, FrameConsumer, ReadingsLog, Subscription } from "@meterbook/core/ports/readings-log";
import type { Registry } from "@meterbook/core/ports/registry";
import type { SeriesStore } from "@meterbook/core/ports/series-store";
import type { SnapshotLedger } from "@meterbook/core/ports/snapshot-ledger";
import type { AggregatorEvents } from "./aggregator-events.ts";
import { applyBatch } from "./apply-batch.ts";
import { boundaryWatch } from "./boundary-watch.ts";
import { followRegistry } from "./follow-registry.ts";
import { issueSnapshots } from "./issue-snapshots.ts";
import type { MeterBook } from "./meter-book.ts";
import { openMeterBook } from "./meter-book.ts";
import { type PendingMeters, pendingMeters } from "./pending-meters.ts";
import { taskQueue } from "./task-queue.ts";
import { meterWarmer } from "./warm-meters.ts";

export interface AggregatorPorts {
  readonly log: Pick<ReadingsLog, "consume" | "totals">;
  readonly series: SeriesStore;
  readonly ledger: SnapshotLedger;
  readonly registry: Registry;
  readonly commands: Pick<Commands, "serve">;
  readonly clock: Clock;
}

export interface AggregatorOptions {
  /** IANA zone of a usage point that names none. */
  readonly timeZone: string;
  /** 0 = recompute at once. */
  readonly settleSeconds: number;
  readonly events: AggregatorEvents;
  readonly crashPoint: (name: string) => void;
}

/** So long may housekeeping hold up the next batch, in milliseconds. */
const housekeepingBudgetMs = 20;
const idleTickMs = 100;

/**
 * The aggregator: takes the readings log into the series store and issues month-end snapshots into the ledger.
 *
 * One task at a time: a batch, a slice of issuing, a slice of housekeeping. What must survive is in the store (position,
 * counts, the list of pending meters) and the ledger; memory is a shortcut that a start does without.
 */
export async function aggregateReadings(ports: AggregatorPorts, options: AggregatorOptions): Promise<Subscription> {
  const { series } = ports;
  const queue = taskQueue();
  const memory = await openMemory(series, options, () => ports.clock.nowMs());
  const housekeeping = houseKeeper(ports, options, memory);

  async function handle(batch: FrameBatch): Promise<void> {
    const started = performance.now();
    const unit = await series.begin();
    try {
      const result = await applyBatch(unit, memory.book, batch, memory.pending.touched, options.crashPoint);
      const { stored, duplicates, conflicts, newestAt } = result;
      const position = (batch.frames.at(-1)?.offset ?? -1) + 1;
      const counts = { stored, duplicates, conflicts };
      const pending = memory.pending.takeMarked();
      await unit.commit({ partition: batch.partition, position, counts, newestAt, pending });
      options.crashPoint("batch-committed");
      options.events.batchApplied({ ...result, seconds: (performance.now() - started) / 1000 });
    } catch (error) {
      await unit.abandon();
      await memory.reopen();
      options.events.batchFailed({ error });
      throw error;
    }
  }

  const timer = periodic(idleTickMs, async () => {
    do {
      await queue.run(housekeeping.slice).catch((error: unknown) => options.events.housekeepingFailed({ error }));
    } while (housekeeping.hasMore() && !queue.isBusy() && !timer.isClosed());
  });
  const registry = await followRegistry(ports.registry, series, (work) =>
    queue.run(() => work(memory.book, memory.pending)),
  );
  const consumer: FrameConsumer = {
    assigned: async () => (await series.totals()).positions,
    revoked: async () => undefined,
    handle: (batch) => queue.run(() => handle(batch)),
  };
  const frames = await ports.log.consume(consumer);
  const commands = await ports.commands.serve(async () => {
    await caughtUp(ports);
    return queue.run(housekeeping.issueAll);
  });

  return {
    async close() {
      for (const part of [commands, frames, registry, timer]) await part.close();
      await queue.run(() => Promise.resolve());
    },
  };
}

interface Memory {
  readonly book: MeterBook;
  readonly pending: PendingMeters;
  /** After a failed batch memory is a guess: begins again from the store. */
  reopen(): Promise<void>;
}

async function openMemory(series: SeriesStore, options: AggregatorOptions, nowMs: () => number): Promise<Memory> {
  async function open(): Promise<{ book: MeterBook; pending: PendingMeters }> {
    const book = await openMeterBook(series, options.timeZone);
    const pending = pendingMeters(options.settleSeconds, nowMs);
    for (const { meterId, fromPeriod } of await series.pending()) pending.mark(book.meet(meterId), fromPeriod);
    pending.takeMarked();
    return { book, pending };
  }
  let current = await open();
  return {
    get book() {
      return current.book;
    },
    get pending() {
      return current.pending;
    },
    async reopen() {
      const records = [...current.book.all()].flatMap(({ record }) => record ?? []);
      current = await open();
      for (const record of records) current.book.register(record);
    },
  };
}

/** What goes on beside the batches: boundaries that pass, snapshots that are due, the store's own upkeep. */
function houseKeeper(ports: AggregatorPorts, { events, crashPoint }: AggregatorOptions, memory: Memory) {
  const { series, clock } = ports;
  const watch = boundaryWatch(series, clock, events);
  const warmer = meterWarmer(series, clock);
  let more = false;

  function issue(all: boolean, budgetMs: number): Promise<CommandOutcome> {
    return issueSnapshots({ ...ports, events, crashPoint }, memory.pending, { all, budgetMs });
  }

  return {
    hasMore: () => more,
    issueAll: () => issue(true, Number.POSITIVE_INFINITY),
    async slice(): Promise<void> {
      await watch.look(memory.book, memory.pending);
      await issue(false, housekeepingBudgetMs);
      const tidying = await series.tidy(housekeepingBudgetMs);
      // Once a tick and no more: memory is a shortcut, and a start must not cost a core for minutes.
      await warmer.warm(memory.book, housekeepingBudgetMs);
      more = tidying || memory.pending.due(1, false).length > 0;
    },
  };
}

/** Waits until all that the log held at the time of the call is in the store. */
async function caughtUp({ log, series }: Pick<AggregatorPorts, "log" | "series">): Promise<void> {
  const { ends } = await log.totals();
  for (;;) {
    const { positions } = await series.totals();
    if ([...ends].every(([partition, end]) => (positions.get(partition) ?? 0) >= end)) return;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

interface Periodic {
  isClosed(): boolean;
  close(): Promise<void>;
}

function periodic(everyMs: number, work: () => Promise<void>): Periodic {
  let closed = false;
  let running = Promise.resolve();
  let timer: NodeJS.Timeout | undefined;
  const schedule = () => {
    timer = setTimeout(() => {
      running = work().finally(() => {
        if (!closed) schedule();
      });
    }, everyMs);
  };
  schedule();
  return {
    isClosed: () => closed,
    async close() {
      closed = true;
      clearTimeout(timer);
      await running;
    },
  };
}
