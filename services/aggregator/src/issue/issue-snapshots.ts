import { setImmediate } from "node:timers/promises";
import type { ReadingSeries } from "@meterbook/core/domain/reading/reading";
import type { Snapshot } from "@meterbook/core/domain/snapshot/snapshot";
import type { Clock } from "@meterbook/core/ports/clock";
import type { TellDamage } from "@meterbook/core/ports/damage-log";
import type { SeriesStore } from "@meterbook/core/ports/series-store";
import type { SnapshotLedger, SnapshotView } from "@meterbook/core/ports/snapshot-ledger";
import type { AggregatorEvents } from "../aggregator-events.ts";
import type { Evaluation } from "../evaluate/evaluate-meter.ts";
import { evaluateMeter, issuedToRead, rangeToRead } from "../evaluate/evaluate-meter.ts";
import type { MeterState } from "../remember/meter-state.ts";
import { tellDamage, unlessDamage } from "../remember/store-damage.ts";
import type { PendingMeters } from "./pending-meters.ts";

export interface IssuePorts {
  readonly series: Pick<SeriesStore, "read" | "readMany">;
  readonly ledger: SnapshotLedger;
  /** Log time, in milliseconds. */
  readonly timeMs: number;
  readonly clock: Clock;
  readonly events: AggregatorEvents;
  readonly crashPoint: (name: string) => void;
  readonly damaged: TellDamage;
  readonly seen: (snapshot: Snapshot) => Snapshot;
  /** So many more meters' months are made; they are not issued yet. */
  readonly evaluated: (meters: number) => void;
}

/** Meters per append to the ledger: large enough that its fsync is shared, small enough to bound what is in memory. */
const metersPerAppendMax = 5000;
/** So long a meter's months may be made before others get a turn. */
const workMsMax = 50;
/** Of which readings may be in memory at once. */
const metersPerReadMax = 100;

/**
 * Recomputes these meters and appends what changed, as of log time. The ledger comes first, the record of how far
 * everything is issued after it: a crash between the two recomputes the same content, and what is issued already is not
 * issued again. Answers how many were issued.
 */
export async function issueSnapshots(
  ports: IssuePorts,
  pending: Pick<PendingMeters, "done">,
  due: MeterState[],
): Promise<number> {
  const started = performance.now();
  let issued = 0;
  for (const meters of inOrder(due)) {
    issued += (await issueFor(ports, meters)).length;
    pending.done(meters);
  }
  ports.events.snapshotsIssued({ meters: due.length, issued, seconds: (performance.now() - started) / 1000 });
  return issued;
}

/** By meter id, as billing reads them: the ledger then grows and is read in one direction. */
function* inOrder(meters: MeterState[]): Generator<readonly MeterState[]> {
  meters.sort((a, b) => (a.meterId < b.meterId ? -1 : 1));
  for (let from = 0; from < meters.length; from += metersPerAppendMax)
    yield meters.slice(from, from + metersPerAppendMax);
}

/** Answers what was issued. */
async function issueFor(ports: IssuePorts, meters: readonly MeterState[]): Promise<readonly Snapshot[]> {
  const nowMs = ports.timeMs;
  const evaluations: { meter: MeterState; evaluation: Evaluation }[] = [];
  let turnAt = performance.now() + workMsMax;
  for (const group of inGroups(meters)) {
    const prefetched = await prefetch(ports.series, group, nowMs);
    const ledger = await prefetchIssued(ports.ledger, group, nowMs);
    for (const meter of group) {
      const series = { read: prefetched.get(meter) ?? ports.series.read };
      const from = { seen: ports.seen, ledger, series, whole: ports.series };
      const evaluating = evaluateMeter(from, meter, pendingFrom(meter), nowMs);
      const evaluation = await evaluating.catch(tellDamage(ports.damaged, nowMs));
      // What is issued of it stays, and nothing is made of the rest of its readings as if nothing were missing.
      meter.heldBackFrom = evaluation === undefined ? pendingFrom(meter) : undefined;
      if (evaluation !== undefined) evaluations.push({ meter, evaluation });
      if (performance.now() > turnAt) {
        await setImmediate();
        turnAt = performance.now() + workMsMax;
      }
    }
    ports.evaluated(group.length);
    // Memory answers at once: without a turn here and there, a whole append would go by in which no heartbeat is sent,
    // and in which the ledgers of other partitions hold transactions open that must end in time.
    await setImmediate();
  }
  const snapshots = evaluations.flatMap(({ evaluation }) => evaluation.snapshots);
  if (snapshots.length > 0) await append(ports.ledger, snapshots, meters);
  ports.crashPoint("snapshot-issued");
  for (const { meter, evaluation } of evaluations) meter.issued = evaluation.issued;
  return snapshots;
}

/** Of an append that failed nobody knows whether it was kept, so the ledger is asked again what was issued. */
async function append(ledger: SnapshotLedger, snapshots: Snapshot[], meters: readonly MeterState[]): Promise<void> {
  try {
    await ledger.append(snapshots);
  } catch (error) {
    for (const meter of meters) meter.issued = undefined;
    throw error;
  }
}

/** What was held back is made up for as soon as it can be. */
function pendingFrom({ meterId, pendingFrom: from, heldBackFrom = Number.POSITIVE_INFINITY }: MeterState): number {
  if (from === undefined) throw new Error(`${meterId} is not pending`);
  return Math.min(from, heldBackFrom);
}

function* inGroups(meters: readonly MeterState[]): Generator<readonly MeterState[]> {
  for (let from = 0; from < meters.length; from += metersPerReadMax) yield meters.slice(from, from + metersPerReadMax);
}

/** Meters of which memory tells nothing are read together: after a start that is all of them. */
async function prefetch(
  series: IssuePorts["series"],
  meters: readonly MeterState[],
  nowMs: number,
): Promise<Map<MeterState, () => Promise<readonly ReadingSeries[]>>> {
  const reads = new Map<MeterState, () => Promise<readonly ReadingSeries[]>>();
  const ranges = Map.groupBy(
    meters.filter(({ needsStore }) => needsStore),
    (meter) => JSON.stringify(rangeToRead(meter, pendingFrom(meter), nowMs)),
  );
  for (const [text, group] of ranges) {
    const range = JSON.parse(text) as { from: number; to: number } | null;
    if (range === null || group.length === 1) continue;
    const ids = group.map(({ meterId }) => meterId);
    // One damaged block stops nobody: then each is read for itself.
    const found = await series.readMany(ids, range).catch(unlessDamage);
    if (found === undefined) continue;
    group.forEach((meter, index) => {
      reads.set(meter, async () => found[index] ?? []);
    });
  }
  return reads;
}

/** Asks the ledger for many meters at once: a question for each was a third of a close. */
async function prefetchIssued(
  ledger: SnapshotView,
  meters: readonly MeterState[],
  nowMs: number,
): Promise<Pick<SnapshotView, "latestOfMeter" | "find">> {
  const known = new Map<string, { readonly from: number; readonly snapshots: readonly Snapshot[] }>();
  const asking = Map.groupBy(meters, (meter) => issuedToRead(meter, pendingFrom(meter), nowMs));
  for (const [from, group] of asking) {
    if (from === undefined || group.length === 1) continue;
    const ids = group.map(({ meterId }) => meterId);
    const found = await ledger.latestOfMeters(ids, from);
    ids.forEach((meterId, index) => {
      known.set(meterId, { from, snapshots: found[index] ?? [] });
    });
  }
  return {
    find: (meterId, period, revision) => ledger.find(meterId, period, revision),
    async latestOfMeter(meterId, fromPeriod) {
      const { from, snapshots } = known.get(meterId) ?? { from: Number.POSITIVE_INFINITY, snapshots: [] };
      if (fromPeriod < from) return ledger.latestOfMeter(meterId, fromPeriod);
      return fromPeriod === from ? snapshots : snapshots.filter(({ period }) => period >= fromPeriod);
    },
  };
}
