import type { Clock } from "@meterbook/core/ports/clock";
import type { DamageLog } from "@meterbook/core/ports/damage-log";
import type { GapLog } from "@meterbook/core/ports/gap-log";
import type { GroupSums } from "@meterbook/core/ports/group-sums";
import type { FrameBatch, LostFrames, ReadingsLog } from "@meterbook/core/ports/readings-log";
import type { Registry } from "@meterbook/core/ports/registry";
import type { RejectedLog } from "@meterbook/core/ports/rejected-log";
import type { SeriesStore, SeriesStores } from "@meterbook/core/ports/series-store";
import type { SnapshotLedgers } from "@meterbook/core/ports/snapshot-ledger";
import type { Barrier } from "@meterbook/sharding/barrier";
import { partitionOf } from "@meterbook/sharding/slot";
import type { AggregatorOptions } from "../aggregator-options.ts";
import { gapWatch } from "../gaps/gap-watch.ts";
import { openGroups } from "../groups/open-groups.ts";
import type { KnownMeters } from "../remember/known-meters.ts";
import { periodic } from "../watch/periodic.ts";
import { lookBackMax, type MissingReadings, otherLog, sameLog } from "../watch/same-log.ts";
import type { PartitionStanding } from "../watch/still-partitions.ts";
import { storeWatch } from "../watch/store-watch.ts";
import { taskQueue } from "../watch/task-queue.ts";
import { missingReadings, partitionLosses } from "./partition-losses.ts";
import { partitionRepairs } from "./partition-repairs.ts";
import { type PartitionWork, partitionWork } from "./partition-work.ts";
import { type ReopeningLedger, reopeningLedger } from "./reopening-ledger.ts";

export interface PartitionPorts {
  readonly log: Pick<ReadingsLog, "starts" | "ends" | "appendBarrier" | "history">;
  readonly damages: Pick<DamageLog, "report" | "unmended" | "mend">;
  readonly series: SeriesStores;
  readonly ledgers: SnapshotLedgers;
  readonly registry: Registry;
  readonly rejected: Pick<RejectedLog, "append">;
  readonly gaps?: Pick<GapLog, "put" | "follow">;
  /** Nobody sums groups where absent. */
  readonly groups?: Pick<GroupSums, "open"> | undefined;
  readonly clock: Clock;
}

/** Which partition, of how many, and the how-manieth owner this is. */
export interface Assignment {
  readonly partition: number;
  readonly partitions: number;
  readonly ownerNo: number;
  /** Aborted when the partition is another's. */
  readonly gone?: AbortSignal | undefined;
  /** Has it closed and the partition assigned anew. */
  readonly again?: (() => void) | undefined;
}

type Standing = Required<Pick<PartitionStanding, "position" | "pending" | "evaluated">>;

/** One partition of the readings log in this aggregator's hands. */
export interface OwnedPartition {
  /** The offset to read from. */
  readonly resumeAt: number;
  standing(): Standing;
  handle(batch: FrameBatch): Promise<void>;
  /** The log no longer holds these frames. */
  lost(range: LostFrames): Promise<void>;
  close(): Promise<void>;
}

const idleTickMs = 100;

/**
 * Takes a partition over and works on it until it is closed.
 *
 * One task at a time: a batch, a slice of issuing, a slice of housekeeping. What must survive is in the store
 * (readings, progress) and the ledger; memory is a shortcut that a start does without.
 */
export async function openOwnedPartition(
  ports: PartitionPorts,
  options: AggregatorOptions,
  { partition, partitions, ownerNo, gone, again }: Assignment,
): Promise<OwnedPartition> {
  const start = (await ports.log.starts()).get(partition) ?? 0;
  const series = await ports.series.open(partition, ownerNo);
  const ledger = await openLedger(ports.ledgers, partition, gone).catch((error: unknown) => closing(series, error));
  const wants = wantedBy(partition, partitions);
  const missing = (found: MissingReadings) => options.damaged(missingReadings(partition, found, ports.clock.nowMs()));
  const identity = sameLog({ partition, start, again: () => again?.(), missing });
  const summing = await openGroups({ ...ports, series, partition, ownerNo }, options).catch((error: unknown) =>
    closing(series, error, ledger),
  );
  const { days } = summing;
  const opened = openWork({ ...ports, series, ledger, wants, sameLog: identity, days }, options, partition);
  const work = await opened.catch((error: unknown) => closing(series, error, ledger));
  const queue = taskQueue();
  const losses = partitionLosses(ports, partition);
  const barriers = barrierWriting(ports.log, partition, work, options.events);
  const failed = (error: unknown) => options.events.housekeepingFailed({ error });
  const timer = periodic(idleTickMs, async () => {
    do {
      const isMore = await queue.run(work.slice).catch(failed);
      barriers.look();
      await losses.watchTime(work.memory.time, ledger).catch(failed);
      if (isMore !== true) return;
    } while (!queue.isBusy() && !timer.isClosed());
  });
  const repairs = partitionRepairs({ ...ports, series, work, queue, wants, partition, events: options.events });
  const gaps = gapWatch({ ...ports, series, work, queue, wants, partition, partitions }, options);
  const groups = summing.watch(work.memory, queue);
  const watch = storeWatch(series, { events: options.events, partition, again: () => again?.() });

  /** What the store has is not lost, though the log no longer holds it. */
  async function lost({ from, to }: LostFrames): Promise<void> {
    const { position } = series.progress;
    if (to <= position) return;
    const range = { from: Math.max(from, position), to };
    await losses.frames(range);
    // Frames before it may be in hand.
    if (from <= position) await work.passOver(to);
    options.events.framesLost({ partition, ...range });
  }

  try {
    if (series.behind !== undefined) await losses.storeBehind(series.behind);
    await losses.issuedTooSoon(ledger);
    await queue.run(() => lost({ partition, from: series.progress.position, to: start }));
  } catch (error) {
    await close();
    throw error;
  }

  async function close(): Promise<void> {
    const watched = watch.close();
    await repairs.close();
    await gaps.close();
    await groups.close();
    await timer.close();
    await work.registry.close();
    await queue.run(() => Promise.resolve());
    await ledger.close();
    await series.close();
    await watched;
  }

  return {
    resumeAt: Math.max(start, Math.min(series.progress.issuedPosition, series.progress.position - lookBackMax)),
    standing: () => standingOf(work),
    async handle(batch) {
      // Who has put a meter's master data before it reports counts on it.
      if (options.limits.unknownMeters === "refuse" && hasUnknown(work.memory.knownMeters, batch))
        await work.registry.caughtUp();
      if (hasClose(batch)) await repairs.soon();
      await queue.run(() => work.handle(batch));
      // Without a settle time nothing waits for the next tick, and a month's end goes on where it stands.
      if (options.settleSeconds === 0 || batch.frames.at(-1)?.barrier !== undefined) barriers.look();
    },
    lost: (range) => queue.run(() => lost(range)),
    close,
  };
}

function standingOf({ memory: { position, pending }, passing: { evaluated } }: PartitionWork): Standing {
  return { position, pending: pending.size, evaluated };
}

/** A log that is not the one that the store was filled from is refused before anything else happens. */
async function openWork(
  ports: Parameters<typeof partitionWork>[0] & Pick<PartitionPorts, "log">,
  options: AggregatorOptions,
  partition: number,
): Promise<PartitionWork> {
  await checkSameLog(ports.log, partition, ports.series);
  return partitionWork(ports, options);
}

/** Writes the partition's barriers, one at a time: the next when the one before was passed. */
function barrierWriting(
  log: Pick<ReadingsLog, "appendBarrier">,
  partition: number,
  work: PartitionWork,
  events: AggregatorOptions["events"],
) {
  let isWriting = false;
  let written = -1;

  async function write(barrier: Barrier): Promise<void> {
    isWriting = true;
    try {
      written = (await log.appendBarrier([partition], barrier)).get(partition) ?? written;
    } catch (error) {
      events.housekeepingFailed({ error });
    } finally {
      isWriting = false;
    }
  }

  return {
    look(): void {
      if (isWriting || work.memory.position <= written) return;
      const barrier = work.nextBarrier();
      if (barrier !== undefined) void write(barrier);
    },
  };
}

/** What names no meter is looked after by whoever has the first partition. */
function wantedBy(partition: number, partitions: number): (meterId: string | null) => boolean {
  return (meterId) => (meterId === null ? partition === 0 : partitionOf(meterId, partitions) === partition);
}

function hasClose({ frames }: FrameBatch): boolean {
  return frames.some(({ barrier }) => barrier !== undefined && barrier.closeId !== null);
}

function hasUnknown(knownMeters: KnownMeters, { frames }: FrameBatch): boolean {
  return frames.some(({ reports }) => reports.some(({ meterId }) => !knownMeters.isRegistered(meterId)));
}

/** To take the right to issue from whoever owns the partition by now would stop that one for a while. */
async function openLedger(ledgers: SnapshotLedgers, partition: number, gone?: AbortSignal): Promise<ReopeningLedger> {
  gone?.throwIfAborted();
  return reopeningLedger(ledgers, partition);
}

async function closing(series: SeriesStore, error: unknown, ledger?: ReopeningLedger): Promise<never> {
  await ledger?.close();
  await series.close();
  throw error;
}

/** A log that was made anew counts from 0 again: what it brings would be taken for known until it has caught up. */
async function checkSameLog(log: Pick<ReadingsLog, "ends">, partition: number, series: SeriesStore): Promise<void> {
  const end = (await log.ends()).get(partition) ?? 0;
  const { position } = series.progress;
  if (position <= end) return;
  throw new Error(otherLog(partition, `it ends at ${end}, and the store has taken it in up to ${position}`));
}
