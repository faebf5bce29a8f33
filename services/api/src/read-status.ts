import type { LogTotals } from "@meterbook/core/ports/readings-log";
import type { StoreTotals } from "@meterbook/core/ports/series-store";
import type { ApiPorts } from "./api-ports.ts";

export interface Status {
  readonly received: number;
  readonly stored: number;
  readonly duplicates: number;
  readonly conflicts: number;
  readonly rejected: number;
  readonly inFlight: number;
  readonly lagSeconds: number;
  readonly snapshotsPending: number;
  readonly settled: boolean;
}

/**
 * Where every reading is. The order of the reads is upstream after downstream, because readings flow the other way:
 * - what the store has applied was in the log before, so `inFlight` is never negative;
 * - `settled` speaks of the moment when the store was read. A message that was in hand then is still in hand when that
 *   is asked, or it is in the log when the log is: it cannot slip between two reads.
 */
export async function readStatus(ports: ApiPorts): Promise<Status> {
  const store = await ports.series.totals();
  const inHand = await ports.inFlight();
  const log = await ports.readingsLog.totals();
  const rejected = (await ports.rejectedLog.totals()).open;
  const unapplied = Math.max(log.readings - store.stored - store.duplicates - store.conflicts, 0);
  return {
    received: log.readings + rejected,
    stored: store.stored,
    duplicates: store.duplicates,
    conflicts: store.conflicts,
    rejected,
    inFlight: unapplied + inHand,
    lagSeconds: await lagSeconds(ports, store, log),
    snapshotsPending: store.pending,
    settled: unapplied + inHand + store.pending === 0,
  };
}

async function lagSeconds(ports: ApiPorts, store: StoreTotals, log: LogTotals): Promise<number> {
  const unread = [...log.ends].filter(([partition, end]) => (store.positions.get(partition) ?? 0) < end);
  const appended = await Promise.all(
    unread.map(([partition]) => ports.readingsLog.appendedAtMs(partition, store.positions.get(partition) ?? 0)),
  );
  const now = ports.clock.nowMs();
  const oldest = appended.reduce<number>((min, atMs) => Math.min(min, atMs ?? now), now);
  return (now - oldest) / 1000;
}
