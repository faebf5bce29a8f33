import { setTimeout } from "node:timers/promises";
import { isDamagedDay } from "@meterbook/core/domain/damage/damaged-day";
import type { Job } from "@meterbook/core/domain/job/job";
import type { Clock } from "@meterbook/core/ports/clock";
import type { DamageLog } from "@meterbook/core/ports/damage-log";
import type { ReadingsLog } from "@meterbook/core/ports/readings-log";
import type { Registry } from "@meterbook/core/ports/registry";
import type { SeriesReader } from "@meterbook/core/ports/series-store";
import type { SnapshotView } from "@meterbook/core/ports/snapshot-ledger";
import type { Barrier } from "@meterbook/sharding/barrier";

export interface ClosePorts {
  readonly readingsLog: Pick<ReadingsLog, "partitions" | "appendBarrier">;
  readonly registry: Pick<Registry, "newest">;
  readonly series: Pick<SeriesReader, "totals">;
  readonly clock: Clock;
  readonly snapshots: Pick<SnapshotView, "issuedMeters" | "catchUp">;
  readonly damage: Pick<DamageLog, "unmended">;
}

export interface CloseProgress {
  readonly saysEveryMs: number;
  readonly signal: AbortSignal;
  /** In how many partitions of how many it was passed. */
  passed(done: number, total: number): Promise<void>;
}

/** How a period stands when a close was passed in all partitions. */
export interface ClosedPeriod {
  /** Meters whose snapshot of the period stands now, whoever issued it. */
  readonly issued: number;
  /** Those of them that stood before. */
  readonly beside: number;
  readonly heldBack: number;
  /** Which they are, the first of them. */
  readonly heldBackMeters: readonly string[];
  /** Meters that still wait to be recomputed. */
  readonly waiting: number;
}

const lookAgainMs = [20, 50, 100, 250];
export const heldBackNamedMax = 100;
const heldBackMax = 10_000;

/**
 * Puts a close into every partition of the readings log, under the job's id. Resolves when it was passed in all of them
 * and this process sees what that issued. A second close of the same job, by whomever, does no harm.
 *
 * @throws Error that names the partitions in which it was not passed in time; it is passed later then
 */
export async function closeWhatWaits(
  ports: ClosePorts,
  { id, period }: Pick<Job, "id" | "period">,
  { timeoutMs, saysEveryMs, signal, passed }: CloseProgress & { readonly timeoutMs: number },
): Promise<ClosedPeriod> {
  const { readingsLog, registry, clock, snapshots } = ports;
  const untilMs = performance.now() + timeoutMs;
  const before = await snapshots.issuedMeters(period);
  const barrier: Barrier = {
    ...{ atMs: clock.nowMs(), registry: await registry.newest() },
    ...{ quietBefore: 0, readyThrough: null, closeId: id },
  };
  const partitions = Array.from({ length: readingsLog.partitions }, (_, partition) => partition);
  let left = await within(timeoutMs, signal, readingsLog.appendBarrier(partitions, barrier));
  await passed(0, partitions.length);
  let saidAtMs = performance.now();
  for (let round = 0; left.size > 0; round += 1) {
    left = await notPassed(ports, left);
    if (left.size === 0) break;
    if (performance.now() > untilMs) throw new Error(`${namesOf([...left.keys()])} not passed within ${timeoutMs} ms`);
    if (performance.now() - saidAtMs > saysEveryMs) {
      saidAtMs = performance.now();
      await passed(partitions.length - left.size, partitions.length);
    }
    await setTimeout(lookAgainMs[round] ?? lookAgainMs.at(-1), undefined, { signal });
  }
  await snapshots.catchUp();
  return standing(ports, period, before);
}

async function standing(
  { snapshots, series, damage }: ClosePorts,
  period: number,
  before: number,
): Promise<ClosedPeriod> {
  const [issued, { pending: waiting }, entries] = await Promise.all([
    snapshots.issuedMeters(period),
    series.totals(),
    // Whoever holds meters back has told of their damage.
    damage.unmended({ place: "series", limit: heldBackMax }),
  ]);
  const held = [...new Set(entries.filter(isDamagedDay).flatMap(({ meterId }) => meterId ?? []))].sort();
  const heldBack = { heldBack: held.length, heldBackMeters: held.slice(0, heldBackNamedMax) };
  return { issued, beside: Math.min(before, issued), ...heldBack, waiting };
}

async function notPassed({ series }: ClosePorts, offsets: ReadonlyMap<number, number>): Promise<Map<number, number>> {
  const { positions } = await series.totals();
  return new Map([...offsets].filter(([partition, offset]) => (positions.get(partition) ?? 0) <= offset));
}

async function within<Answer>(timeoutMs: number, signal: AbortSignal, work: Promise<Answer>): Promise<Answer> {
  const late = new AbortController();
  const timeout = setTimeout(timeoutMs, undefined, { signal: AbortSignal.any([late.signal, signal]) }).then(() => {
    throw new Error(`the readings log has not taken it within ${timeoutMs} ms`);
  });
  try {
    return await Promise.race([work, timeout]);
  } finally {
    late.abort();
    timeout.catch(() => undefined);
  }
}

function namesOf(partitions: readonly number[]): string {
  const some = partitions
    .toSorted((a, b) => a - b)
    .slice(0, 8)
    .join(", ");
  const more = partitions.length > 8 ? ` and ${partitions.length - 8} more` : "";
  return partitions.length === 1 ? `partition ${some} has` : `partitions ${some}${more} have`;
}
