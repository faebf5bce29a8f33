import type { Clock } from "@meterbook/core/ports/clock";
import type { FrameBatch, LogFrame } from "@meterbook/core/ports/readings-log";
import type { RejectedLog } from "@meterbook/core/ports/rejected-log";
import type { SeriesStore } from "@meterbook/core/ports/series-store";
import type { SnapshotView } from "@meterbook/core/ports/snapshot-ledger";
import type { Barrier } from "@meterbook/sharding/barrier";
import type { AggregatorOptions } from "../aggregator-options.ts";
import { keepRefused } from "../apply/keep-refused.ts";
import { lookAgain } from "../apply/look-again.ts";
import type { ChangedDays } from "../groups/changed-days.ts";
import { boundaryWatch } from "../issue/boundary-watch.ts";
import { defaultZoneWatch } from "../issue/default-zone.ts";
import type { PendingMeters } from "../issue/pending-meters.ts";
import { periodSealing } from "../issue/period-sealing.ts";
import type { KnownMeters } from "../remember/known-meters.ts";
import { memoryRebuilder, rebuildReporting } from "../remember/rebuild-memory.ts";
import { type StruckRevisions, struckRevisions } from "../repair/struck-revisions.ts";
import type { SameLog } from "../watch/same-log.ts";
import { applyFrames } from "./apply-frames.ts";
import { type FollowedRegistry, followRegistry } from "./follow-registry.ts";
import { askReadings, monthsTime } from "./months-time.ts";
import { openPartitionMemory, type PartitionMemory } from "./partition-memory.ts";
import { type BarrierPassing, barrierPassing } from "./pass-barrier.ts";
import type { ReopeningLedger } from "./reopening-ledger.ts";

/** So long may housekeeping hold up the next batch, in milliseconds. */
const housekeepingBudgetMs = 20;

export interface PartitionWork {
  readonly memory: PartitionMemory;
  readonly registry: FollowedRegistry;
  readonly struck: StruckRevisions;
  readonly ledger: Pick<SnapshotView, "latestOfMeter">;
  readonly passing: Pick<BarrierPassing, "evaluated">;
  /** Records of the log in order; those that were taken already are passed over. */
  handle(batch: FrameBatch): Promise<void>;
  /** Goes on at this offset: what lies before it and is not in the store is lost. */
  passOver(to: number): Promise<void>;
  /**
   * Takes changes from elsewhere into memory, and records what that made pending: a later barrier issues it. Not while
   * the log is read again.
   */
  take(change: (knownMeters: KnownMeters, pending: PendingMeters) => Promise<void>): Promise<void>;
  /** A slice of the store's upkeep. Answers whether there is more. */
  slice(): Promise<boolean>;
  /** The barrier that is to be written now; undefined where it would change nothing. */
  nextBarrier(): Barrier | undefined;
}

export interface WorkPorts {
  readonly series: SeriesStore;
  readonly ledger: ReopeningLedger;
  readonly rejected: Pick<RejectedLog, "append">;
  readonly clock: Clock;
  readonly registry: Parameters<typeof followRegistry>[0];
  /** Whether a meter belongs to the partition. */
  readonly wants: (meterId: string) => boolean;
  readonly sameLog: SameLog;
  /** What is to be summed again; absent where nobody sums. */
  readonly days?: ChangedDays | undefined;
}

/** What an aggregator does for a partition. The caller never lets two of these run at a time. */
export async function partitionWork(ports: WorkPorts, options: AggregatorOptions): Promise<PartitionWork> {
  const { series, ledger, clock } = ports;
  const { events, damaged } = options;
  // What is due by the clock waits too, and master data that do not count yet.
  let waitsBesides = () => 0;
  const memory = await openPartitionMemory(series, clock, options, () => waitsBesides());
  const months = monthsTime(memory, clock, options.witnesses, series.progress.newestAt);
  const zoneWatch = defaultZoneWatch(memory.issuedUpTo, options.timeZone);
  zoneWatch.begin(memory.pending);
  const registry = await followRegistry(ports.registry, memory, ports.wants, ports.days);
  const watch = boundaryWatch(memory.issuedUpTo, events);
  const rebuilder = memoryRebuilder(series, clock, damaged);
  const keep = keepRefused(ports.rejected, events);
  const struck = struckRevisions();
  const sealing = periodSealing(ledger);
  const passing = barrierPassing({ series, ledger, clock, memory, registry, watch, struck, sealing }, options);
  let isZoneMarked = false;

  /** What comes from elsewhere than the log must not be taken for what is carried out already. */
  function markZone(): void {
    if (isZoneMarked || memory.isReadingAgain) return;
    isZoneMarked = true;
    zoneWatch.mark(memory.knownMeters, memory.pending, { offset: memory.position - 1, appendedAtMs: clock.nowMs() });
  }

  async function take(frames: readonly LogFrame[]): Promise<void> {
    const [first] = frames;
    if (first === undefined) return;
    if (first.barrier !== undefined) return passing.pass(first.barrier, first);
    if (!memory.isReadingAgain) {
      await rebuildReporting(series, memory.knownMeters, frames, damaged);
      await applyFrames({ series, memory, options, keep, days: ports.days }, frames);
      return askReadings(options.witnesses, memory, frames);
    }
    lookAgain(memory.knownMeters, frames, memory.pending, damaged);
    memory.tookAgain((frames.at(-1) as LogFrame).offset);
  }

  waitsBesides = () => registry.waiting + (watch.isDueAt(memory.knownMeters, months.nowMs()) ? 1 : 0);
  markZone();
  await memory.record();
  return {
    memory,
    registry,
    struck,
    ledger,
    passing,
    async take(change) {
      await change(memory.knownMeters, memory.pending);
      await memory.record();
    },
    async handle({ frames }) {
      ports.sameLog.look(frames, series.progress);
      memory.missed(frames[0]?.offset ?? 0);
      for (const run of runsOf(frames, series.progress.position)) {
        await take(run.filter(({ offset }) => offset >= memory.position));
      }
      markZone();
    },
    async passOver(to) {
      memory.passOver(to);
      await series.record(memory.progress({ position: to }));
    },
    async slice() {
      markZone();
      await memory.record();
      const isMore = await series.upkeep?.(housekeepingBudgetMs);
      // Once a tick and no more: memory is a shortcut, and a start must not cost a core for minutes.
      await rebuilder.rebuild(memory.knownMeters, housekeepingBudgetMs);
      return isMore ?? false;
    },
    nextBarrier() {
      const atMs = months.nowMs();
      const due = memory.pending.nextDue(months.appendMs());
      const isWanted =
        due !== undefined || registry.waiting > 0 || watch.isDueAt(memory.knownMeters, atMs) || sealing.isDueAt(atMs);
      if (memory.isReadingAgain || !isWanted) return undefined;
      return { atMs, registry: registry.seen, ...(due ?? { quietBefore: 0, readyThrough: null }), closeId: null };
    },
  };
}

/** Frames that follow each other, and each barrier for itself; cut also where what the store has ends. */
function* runsOf(frames: readonly LogFrame[], position: number): Generator<readonly LogFrame[]> {
  let from = 0;
  for (const [index, { barrier, offset }] of frames.entries()) {
    const isCut = barrier !== undefined || frames[index - 1]?.barrier !== undefined || offset === position;
    if (index === from || !isCut) continue;
    yield frames.slice(from, index);
    from = index;
  }
  if (from < frames.length) yield frames.slice(from);
}
