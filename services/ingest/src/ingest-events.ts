import type { AskOutcome } from "@meterbook/core/ports/meter-endpoint";

/** What an operator can know of ingest; `ingest-metrics.ts` turns it into metrics. */
export interface IngestEvents {
  messageKept(facts: { readings: number; rejections: number; bytes: number; seconds: number }): void;
  rejected(facts: { reason: string; meterId: string | null; detail: string }): void;
  keepFailed(facts: { error: unknown }): void;
  /**
   * There is no room in the rejected log for what is refused of this sender: its message waits with the meter, or its
   * beginning is kept, or another process has kept it. `isNew`: the sender was not in this state before. `held`: how
   * many senders are in it.
   */
  senderHeld(facts: {
    sender: string;
    why: "sender_full" | "log_full";
    whenFull: "hold" | "cut" | "late";
    isNew: boolean;
    held: number;
  }): void;
  /** So many refusals were older than they are kept, and are gone. */
  rejectedForgotten(refusals: number): void;
  /** What became of a request to a meter. `dropped`: too many waited, and it is ordered again later. */
  meterAsked(facts: { outcome: AskOutcome | "withdrawn" | "dropped" }): void;
  askFailed(facts: { error: unknown }): void;
  /** There is room again. */
  senderFree(facts: { sender: string; held: number }): void;
}
