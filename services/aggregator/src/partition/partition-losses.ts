import type { Damage } from "@meterbook/core/domain/damage/damage";
import { damageId } from "@meterbook/core/domain/damage/damage";
import type { Clock } from "@meterbook/core/ports/clock";
import type { DamageLog } from "@meterbook/core/ports/damage-log";
import type { StoreBehind } from "@meterbook/core/ports/series-store";
import type { SnapshotView } from "@meterbook/core/ports/snapshot-ledger";
import { placeAfter } from "@meterbook/sharding/ledger-place";
import type { LogTime } from "../issue/log-time.ts";
import type { ReplacedLog } from "../watch/replaced-logs.ts";
import type { MissingReadings } from "../watch/same-log.ts";

/** Tells what a partition has lost; resolves when that is kept, so that nothing goes on before. */
export interface PartitionLosses {
  /**
   * The log no longer holds frames that the store has not taken in. The entry is named by their offsets, so the same
   * loss found again is the same entry.
   */
  frames(range: { readonly from: number; readonly to: number }): Promise<void>;
  /** The store was put back, emptied or exchanged; what the log holds is taken in again. */
  storeBehind(behind: StoreBehind): Promise<void>;
  /** The log is not the one that was read. */
  logReplaced(found: ReplacedLog): Promise<void>;
  /** The newest snapshot of the ledger, where it was issued at a time that is still to come. */
  issuedTooSoon(ledger: Pick<SnapshotView, "lastPlace" | "changes">): Promise<void>;
  /** The same while we run, called often: once when log time is found to be still to come. */
  watchTime(time: Pick<LogTime, "ms">, ledger: Pick<SnapshotView, "lastPlace" | "changes">): Promise<void>;
}

/** So far may the clocks of two hosts differ. */
const aheadMsMin = 5 * 60_000;

export function partitionLosses(
  { damages, clock }: { readonly damages: Pick<DamageLog, "report">; readonly clock: Clock },
  partition: number,
): PartitionLosses {
  async function report(damage: Omit<Damage, "id" | "meterId" | "period" | "foundAtMs">): Promise<void> {
    const { place, where } = damage;
    await damages.report([
      { ...damage, id: damageId(place, where), meterId: null, period: null, foundAtMs: clock.nowMs() },
    ]);
  }

  let isTimeAhead = false;
  const losses: PartitionLosses = {
    frames: ({ from, to }) =>
      report({
        place: "readings-log",
        code: "records_lost",
        where: `partition ${partition} offsets ${from} to ${to - 1}`,
        detail: `${to - from} records of the readings log were gone before they were taken into the store`,
        help: "if a backup of the store has them, put it back; else ask the meters for the time, then acknowledge",
        lost: to - from,
      }),
    storeBehind: ({ position, knownPosition }) =>
      report({
        place: "series",
        code: "store_behind",
        where: `partition ${partition} positions ${position} to ${knownPosition}`,
        detail: `the store had taken in the readings log up to ${knownPosition} and has it up to ${position} only`,
        help: "the rest is taken in again from the readings log; what that no longer holds is an entry of its own",
        lost: 0,
      }),
    logReplaced: ({ position, end, lost }) =>
      report({
        place: "readings-log",
        code: "records_lost",
        where: `partition ${partition} made anew at position ${position}`,
        detail: `the readings log ended at ${end} and was read up to ${position}: it was made anew, cut off or put back while we ran`,
        help: "nothing is taken in from this partition until its log is put back from a backup, or the store is made anew",
        lost,
      }),
    async issuedTooSoon(ledger) {
      const last = await ledger.lastPlace();
      const sequence = (last[partition] ?? 0) - 1;
      const [entry] = await ledger.changes({ after: placeAfter(last, { shard: partition, sequence }), limit: 1 });
      if (entry === undefined) return;
      const { issuedAtMs } = entry.snapshot;
      if (issuedAtMs < clock.nowMs() + aheadMsMin) return;
      const issuedAt = new Date(issuedAtMs).toISOString();
      await report({
        place: "ledger",
        code: "issued_too_soon",
        where: `issued at ${issuedAt}`,
        detail: `snapshots were issued when the clock showed ${issuedAt}, which is still to come: months may be final that are not over`,
        help: "set the clock right; list what was issued since (GET /v1/snapshots); later readings make further revisions of it",
        lost: 0,
      });
    },
    async watchTime(time, ledger) {
      const isAhead = time.ms > clock.nowMs() + aheadMsMin;
      if (isAhead && !isTimeAhead) await losses.issuedTooSoon(ledger);
      isTimeAhead = isAhead;
    },
  };
  return losses;
}

/** Acknowledged readings that no record of the log holds, though no offset is missing. */
export function missingReadings(
  partition: number,
  { writer, offset, readings }: MissingReadings,
  nowMs: number,
): Damage {
  const where = `partition ${partition} before offset ${offset} of writer ${writer}`;
  return {
    id: damageId("readings-log", where),
    place: "readings-log",
    code: "records_lost",
    where,
    detail: `${readings} readings are gone from the end of the readings log as it was: it was cut off, and has gone on since`,
    help: "if the log has them on another disk, put it back; else ask the meters for the time, then acknowledge",
    meterId: null,
    period: null,
    lost: readings,
    foundAtMs: nowMs,
  };
}
