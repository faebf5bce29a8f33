import type { SnapshotLedger } from "@meterbook/core/ports/snapshot-ledger";
import type { Barrier } from "@meterbook/sharding/barrier";

/** So long in log time after a snapshot was issued its period is sealed: what comes meanwhile shares the seal. */
const sealAfterMs = 10 * 60_000;

/**
 * When the periods of a partition are sealed: at the end of a close, and some minutes after anything else was issued.
 */
export interface PeriodSealing {
  issued(atMs: number): void;
  /** Whether snapshots have waited for their seal for long enough. */
  isDueAt(atMs: number): boolean;
  /** What an append that failed has left may be there, and not be sealed. */
  inDoubt(): void;
  /** Whether this barrier, at its log time, is one to seal at. */
  isAt(barrier: Pick<Barrier, "closeId">, atMs: number): boolean;
  seal(atMs: number): Promise<void>;
}

export function periodSealing(ledger: Pick<SnapshotLedger, "seal">): PeriodSealing {
  // What an owner before has issued may not be sealed. To look is no reason for a barrier.
  let waiting: "maybe" | "no" | number = "maybe";
  function isDueAt(atMs: number): boolean {
    if (typeof waiting !== "number") return false;
    // Log time may be ahead of the clock that asks, where that was put back.
    waiting = Math.min(waiting, atMs);
    return atMs - waiting >= sealAfterMs;
  }
  return {
    issued(atMs) {
      // Where more may be left than this, all is sealed at once.
      if (waiting === "no") waiting = atMs;
    },
    isDueAt,
    inDoubt() {
      waiting = "maybe";
    },
    isAt: ({ closeId }, atMs) => closeId !== null || waiting === "maybe" || isDueAt(atMs),
    async seal(atMs) {
      await ledger.seal(atMs);
      waiting = "no";
    },
  };
}
