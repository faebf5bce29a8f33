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
import { pendingMeters } from "./pending-meters.ts";
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
  const { series, clock } = ports;
  const nowMs = () => clock.nowMs();
  const queue = taskQueue();
  let book: MeterBook = await openMeterBook(series, options.timeZone);
  let pending = pendingMeters(options.settleSeconds, nowMs);
  for (const { meterId, fromPeriod } of await series.pending()) pending.mark(book.meet(meterId), fromPeriod);
  pending.takeMarked();

  async function handle(batch: FrameBatch): Promise<void> {
    const started = performance.now();
    const unit = await series.begin();
    try {
      const result = await applyBatch(unit, book, batch, pending.touched, options.crashPoint);
      const { stored, duplicates, conflicts, newestAt } = result;
      const position = (batch.frames.at(-1)?.offset ?? -1) + 1;
      const counts = { stored, duplicates, conflicts };
      await unit.commit({ partition: batch.partition, position, counts, newestAt, pending: pending.takeMarked() });
      options.crashPoint("batch-committed");
      options.events.batchApplied({ ...result, seconds: (performance.now() - started) / 1000 });
    } catch (error) {
      await unit.abandon();
      await reopen();
      options.events.batchFailed({ error });
      throw error;
    }
  }

  /** Memory after a failed batch is a guess: begin again from the store. */
  async function reopen(): Promise<void> {
    const records = [...book.all()].flatMap(({ record }) => record ?? []);
    book = await openMeterBook(series, options.timeZone);
    for (const record of records) book.register(record);
    pending = pendingMeters(options.settleSeconds, nowMs);
    for (const { meterId, fromPeriod } of await series.pending()) pending.mark(book.meet(meterId), fromPeriod);
    pending.takeMarked();
  }

  async function issue(all: boolean): Promise<CommandOutcome> {
    return issueSnapshots({ ...ports, events: options.events, crashPoint: options.crashPoint }, pending, {
      all,
      budgetMs: all ? Number.POSITIVE_INFINITY : housekeepingBudgetMs,
    });
  }

  const watch = boundaryWatch(series, clock, options.events);
  const warmer = meterWarmer(series, clock);
  let moreToDo = false;

  async function housekeep(): Promise<void> {
    await watch.look(book, pending);
    await issue(false);
    const tidying = await series.tidy(housekeepingBudgetMs);
    const warming = await warmer.warm(book, housekeepingBudgetMs);
    moreToDo = tidying || warming || pending.due(1, false).length > 0;
  }

  const timer = periodic(idleTickMs, async () => {
    do {
      await queue.run(housekeep).catch((error: unknown) => options.events.housekeepingFailed({ error }));
    } while (moreToDo && !queue.isBusy());
  });

  const registry = await followRegistry(ports.registry, series, (work) => queue.run(() => work(book, pending)));
  const consumer: FrameConsumer = {
    assigned: async () => (await series.totals()).positions,
    revoked: async () => undefined,
    handle: (batch) => queue.run(() => handle(batch)),
  };
  const frames = await ports.log.consume(consumer);
  const commands = await ports.commands.serve(async () => {
    await caughtUp(ports);
    return queue.run(() => issue(true));
  });

  return {
    async close() {
      await commands.close();
      await frames.close();
      await registry.close();
      await timer.close();
      await queue.run(() => Promise.resolve());
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

function periodic(everyMs: number, work: () => Promise<void>): { close(): Promise<void> } {
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
    async close() {
      closed = true;
      clearTimeout(timer);
      await running;
    },
  };
}
