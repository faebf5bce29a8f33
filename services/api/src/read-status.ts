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
 *   is asked, or it is in the log when the log is: it cannot slip between two reads. What the store says is issued is
 *   seen by whoever reads snapshots after this answer.
 */
export async function readStatus(ports: ApiPorts): Promise<Status> {
  const store = await ports.series.totals();
  await ports.snapshots.catchUp();
  const inHand = await ports.inFlight();
  const unread = await ports.readingsLog.unread(store.positions);
  const rejected = (await ports.rejectedLog.totals()).open;
  const nowMs = ports.clock.nowMs();
  return {
    received: store.stored + store.duplicates + store.conflicts + unread.readings + rejected,
    stored: store.stored,
    duplicates: store.duplicates,
    conflicts: store.conflicts,
    rejected,
    inFlight: unread.readings + inHand,
    lagSeconds: Math.max(0, nowMs - (unread.oldestAppendedAtMs ?? nowMs)) / 1000,
    snapshotsPending: store.pending,
    settled: unread.readings + inHand + store.pending === 0,
  };
}
