import { partitionOf } from "@meterbook/core/domain/bucket";
import { AdapterError } from "@meterbook/core/ports/adapter-error";
import type { Clock } from "@meterbook/core/ports/clock";
import type { CommandOutcome } from "@meterbook/core/ports/commands";
import type { FrameBatch } from "@meterbook/core/ports/readings-log";
import type { Registry } from "@meterbook/core/ports/registry";
import type { Progress, SeriesStore, SeriesStores } from "@meterbook/core/ports/series-store";
import type { SnapshotLedger, SnapshotLedgers } from "@meterbook/core/ports/snapshot-ledger";
import type { AggregatorEvents } from "./aggregator-events.ts";
import { applyBatch, touchAgain } from "./apply-batch.ts";
import { boundaryWatch } from "./boundary-watch.ts";
import { followRegistry } from "./follow-registry.ts";
import { issueSnapshots } from "./issue-snapshots.ts";
import { lowWater } from "./low-water.ts";
import { openMeterBook } from "./meter-book.ts";
import { pendingMeters } from "./pending-meters.ts";
import { periodic } from "./periodic.ts";
import { taskQueue } from "./task-queue.ts";
import { meterWarmer } from "./warm-meters.ts";

export interface PartitionPorts {
  readonly series: SeriesStores;
  readonly ledgers: SnapshotLedgers;
  readonly registry: Registry;
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

/** Which partition, of how many, and the how-manieth owner this is. */
export interface Assignment {
  readonly partition: number;
  readonly partitions: number;
  readonly epoch: number;
}

/** One partition of the readings log in this aggregator's hands. */
export interface PartitionBook {
  /** The offset to read from. */
  readonly resumeAt: number;
  /** The next offset to apply. */
  position(): number;
  handle(batch: FrameBatch): Promise<void>;
  /** Recomputes and issues whatever waits. */
  issueAll(): Promise<CommandOutcome>;
  close(): Promise<void>;
}

/** So long may housekeeping hold up the next batch, in milliseconds. */
const housekeepingBudgetMs = 20;
const idleTickMs = 100;
/** Whoever took over has been heard of by then, and this book is closed; else it is still ours. Longer than a heartbeat. */
const fencedMs = 15_000;

/**
 * Takes a partition over and works on it until it is closed.
 *
 * One task at a time: a batch, a slice of issuing, a slice of housekeeping. What must survive is in the store (readings,
 * progress) and the ledger; memory is a shortcut that a start does without.
 */
export async function openPartitionBook(
  ports: PartitionPorts,
  options: AggregatorOptions,
  { partition, partitions, epoch }: Assignment,
): Promise<PartitionBook> {
  const series = await ports.series.open(partition, epoch);
  const ledger = await reopeningLedger(ports.ledgers, partition).catch((error: unknown) => closing(series, error));
  const work = await openWork(series, ledger, ports, options).catch(async (error: unknown) => {
    await ledger.close();
    return closing(series, error);
  });
  const queue = taskQueue();
  const registry = await followRegistry(
    { registry: ports.registry, water: work.water, wants: (meterId) => partitionOf(meterId, partitions) === partition },
    (take) => queue.run(() => work.register(take)),
  );
  const timer = periodic(idleTickMs, async () => {
    do {
      await queue.run(work.slice).catch((error: unknown) => options.events.housekeepingFailed({ error }));
    } while (work.hasMore() && !queue.isBusy() && !timer.isClosed());
  });

  return {
    resumeAt: series.progress.issuedPosition,
    position: work.position,
    handle: (batch) => queue.run(() => work.handle(batch)),
    issueAll: () => queue.run(work.issueAll),
    async close() {
      await registry.close();
      await timer.close();
      await queue.run(() => Promise.resolve());
      await ledger.close();
      await series.close();
    },
  };
}

async function closing(series: SeriesStore, error: unknown): Promise<never> {
  await series.close();
  throw error;
}

/** What is done in turn with each other. */
async function openWork(
  series: SeriesStore,
  ledger: ReopeningLedger,
  ports: PartitionPorts,
  options: AggregatorOptions,
) {
  const { events, crashPoint, timeZone } = options;
  const { clock } = ports;
  const nowMs = () => clock.nowMs();
  const found = series.progress;
  const water = lowWater(found);
  const pending = pendingMeters(options.settleSeconds, nowMs);
  const watch = boundaryWatch(water, clock, events);
  const warmer = meterWarmer(series, clock);
  let book = await openMeterBook(series, timeZone);
  // Frames from here to `found.position` are read again for what they touched.
  let readAgainTo = found.issuedPosition;
  let more = false;

  function progress(over: Partial<Progress> = {}): Progress {
    water.complete(pending.oldestTicket);
    const { issuedPosition, notes } = water;
    // While frames are read again, nobody can say that nothing waits.
    const waiting = pending.size + (readAgainTo < found.position ? 1 : 0);
    return { ...series.progress, issuedPosition, notes, pending: waiting, ...over };
  }

  async function record(): Promise<void> {
    const next = progress();
    if (JSON.stringify(next) !== JSON.stringify(series.progress)) await series.record(next);
  }

  async function reopen(): Promise<void> {
    const records = [...book.all()].flatMap((meter) => meter.record ?? []);
    const again = await openMeterBook(series, timeZone);
    for (const one of records) again.register(one);
    pending.moveTo(again.meet);
    book = again;
  }

  function readAgain({ frames }: FrameBatch): FrameBatch["frames"] {
    const again = frames.filter(({ offset }) => offset < found.position);
    const last = again.at(-1);
    if (last === undefined) return frames;
    touchAgain(book, again, pending.touched);
    readAgainTo = last.offset + 1;
    water.reached(readAgainTo, pending.nextTicket);
    return frames.slice(again.length);
  }

  async function apply(batch: FrameBatch): Promise<void> {
    const started = performance.now();
    const unit = await series.begin();
    try {
      const result = await applyBatch(unit, book, batch, pending.touched, crashPoint);
      const position = (batch.frames.at(-1)?.offset ?? -1) + 1;
      water.reached(position, pending.nextTicket);
      const { counts, newestAt } = series.progress;
      await unit.commit(
        progress({ position, counts: sum(counts, result), newestAt: Math.max(newestAt, result.newestAt) }),
      );
      crashPoint("batch-committed");
      events.batchApplied({ ...result, seconds: (performance.now() - started) / 1000 });
    } catch (error) {
      await unit.abandon();
      await reopen();
      events.batchFailed({ error });
      throw error;
    }
  }

  async function issue(all: boolean, budgetMs: number): Promise<CommandOutcome> {
    if (await ledger.isFenced(nowMs())) return { evaluated: 0, issued: 0 };
    try {
      return await issueSnapshots({ series, ledger, clock, events, crashPoint, issued: record }, pending, {
        all,
        budgetMs,
      });
    } catch (error) {
      if (!(error instanceof AdapterError && error.code === "ledger_fenced")) throw error;
      ledger.fenced(nowMs());
      // Somebody else may have issued since: what is remembered of that counts no more.
      await reopen();
      throw error;
    }
  }

  return {
    water,
    position: () => (readAgainTo < found.position ? readAgainTo : series.progress.position),
    hasMore: () => more,
    issueAll: () => issue(true, Number.POSITIVE_INFINITY),
    async register(take: (current: typeof book, marks: typeof pending) => Promise<void>): Promise<void> {
      await take(book, pending);
      await record();
    },
    async handle(batch: FrameBatch): Promise<void> {
      const frames = readAgain(batch);
      if (frames.length > 0) await apply({ ...batch, frames });
      else await record();
    },
    async slice(): Promise<void> {
      watch.look(book, pending);
      await record();
      await issue(false, housekeepingBudgetMs);
      const tidying = await series.tidy(housekeepingBudgetMs);
      // Once a tick and no more: memory is a shortcut, and a start must not cost a core for minutes.
      await warmer.warm(book, housekeepingBudgetMs);
      more = tidying || pending.due(1, false).length > 0;
    },
  };
}

function sum(counts: Progress["counts"], more: Progress["counts"]): Progress["counts"] {
  return {
    stored: counts.stored + more.stored,
    duplicates: counts.duplicates + more.duplicates,
    conflicts: counts.conflicts + more.conflicts,
  };
}

interface ReopeningLedger extends SnapshotLedger {
  fenced(nowMs: number): void;
  /** Whether to leave issuing alone; takes the right to issue back when the wait is over and the partition is still ours. */
  isFenced(nowMs: number): Promise<boolean>;
}

/** The ledger of a partition, opened again some time after it was fenced: a broker fences also a producer that stalled. */
async function reopeningLedger(ledgers: SnapshotLedgers, partition: number): Promise<ReopeningLedger> {
  let ledger = await ledgers.open(partition);
  let fencedAtMs: number | undefined;
  return {
    append: (snapshots) => ledger.append(snapshots),
    latest: (options) => ledger.latest(options),
    changes: (options) => ledger.changes(options),
    find: (meterId, period, revision) => ledger.find(meterId, period, revision),
    revisions: (meterId, period) => ledger.revisions(meterId, period),
    latestOfMeter: (meterId, fromPeriod) => ledger.latestOfMeter(meterId, fromPeriod),
    catchUp: () => ledger.catchUp(),
    lastSequence: () => ledger.lastSequence(),
    close: () => ledger.close(),
    fenced(nowMs) {
      fencedAtMs = nowMs;
    },
    async isFenced(nowMs) {
      if (fencedAtMs === undefined) return false;
      if (nowMs - fencedAtMs < fencedMs) return true;
      await ledger.close();
      ledger = await ledgers.open(partition);
      fencedAtMs = undefined;
      return false;
    },
  };
}
