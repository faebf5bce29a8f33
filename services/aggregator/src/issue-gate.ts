import type { Clock } from "@meterbook/core/ports/clock";
import type { ReopeningLedger } from "./reopening-ledger.ts";

/**
 * Says when snapshots may be issued without being made from a part of what the log holds. It is shut until the log is taken in as far
 * as it went when the gate was shut last: at a take-over, when an hour comes at which snapshots become due, when the right to issue was in
 * doubt, and after a standstill, in which meters seem quiet whose readings wait in the log.
 */
export interface IssueGate {
  shut(): void;
  /** Asks for the log's end where it is to be known, and takes the right to issue back where that was lost and is due. */
  isOpen(): Promise<boolean>;
}

export interface GatePorts {
  readonly ledger: Pick<ReopeningLedger, "mayOpen" | "reopen">;
  readonly clock: Clock;
  readonly logEnd: () => Promise<number>;
  /** The next offset to take in. */
  readonly position: () => number;
}

/** @param settleSeconds after so long meters seem quiet; housekeeping that came by no more for half of it was stopped, or waited for the store. */
export function issueGate({ ledger, clock, logEnd, position }: GatePorts, settleSeconds: number): IssueGate {
  const standstillMs = Math.max(1000, settleSeconds * 500);
  let from: number | undefined;
  let wasOpen = false;
  let lookedAtMs = 0;

  async function look(nowMs: number): Promise<boolean> {
    if (!ledger.mayOpen(nowMs)) return false;
    from ??= await logEnd();
    if (position() < from) return false;
    if ((await ledger.reopen()) === "as it was") return true;
    // Whoever had the right meanwhile may have issued from frames that we do not have.
    from = undefined;
    from = await logEnd();
    return position() >= from;
  }

  return {
    shut() {
      from = undefined;
    },
    async isOpen() {
      const nowMs = clock.nowMs();
      // Not while it waits for an end already: under a load that never ends it would wait for ever.
      if (wasOpen && nowMs - lookedAtMs > standstillMs) from = undefined;
      lookedAtMs = nowMs;
      wasOpen = false;
      wasOpen = await look(nowMs);
      return wasOpen;
    },
  };
}
