import { AdapterError } from "@meterbook/core/ports/adapter-error";
import type { Sender } from "@meterbook/core/ports/meter-endpoint";
import { refusedBytes, refusedMessages } from "@meterbook/core/ports/refused-message";
import type { Rejection } from "@meterbook/core/ports/rejected-log";
import { cutRejections } from "@meterbook/intake/refused/cut-rejections";
import type { RejectedQuota } from "@meterbook/intake/refused/rejected-quota";
import type { IngestEvents } from "./ingest-events.ts";

/** Whoever sent what is refused. */
export interface RefusedSender {
  readonly sender?: Sender | undefined;
  readonly clientId: string;
}

/**
 * Lets the refusals of one message through to the rejected log: as they are where their sender has room.
 *
 * @throws AdapterError `rejected_full` (retryable) where it has none: the message is not acknowledged, and the meter
 * keeps it.
 */
export type RejectedDoor = (from: RefusedSender, rejections: readonly Rejection[]) => readonly Rejection[];

export interface RejectedDoorOptions {
  readonly quota: RejectedQuota;
  readonly events: Pick<IngestEvents, "senderHeld" | "senderFree">;
  /**
   * What becomes of a message without room. `hold`: our own endpoint slows the connection that sent it. `cut`: behind a
   * broker all messages come over one connection, and one meter must not stop it; the beginning of the message is kept.
   * `late`: another process has kept it already; its sender is named.
   */
  readonly whenFull: "hold" | "cut" | "late";
}

/** Told apart in the log; further ones are held and counted without a line of their own. */
const heldNamedMax = 1_000;

export function rejectedDoor({ quota, events, whenFull }: RejectedDoorOptions): RejectedDoor {
  const held = new Set<string>();

  function tell(sender: string, why: "sender_full" | "log_full"): void {
    const isNew = !held.has(sender) && held.size < heldNamedMax;
    if (isNew) held.add(sender);
    events.senderHeld({ sender, why, whenFull, isNew, held: held.size });
  }

  return (from, rejections) => {
    if (rejections.length === 0) return rejections;
    const sender = senderOf(from, rejections, whenFull);
    const outcome = quota.take(sender, bytesOf(rejections));
    if (outcome === "taken") {
      if (held.delete(sender)) events.senderFree({ sender, held: held.size });
      return rejections.map((one) => ({ ...one, senderName: sender }));
    }
    tell(sender, outcome);
    if (whenFull === "late") return rejections;
    if (whenFull === "cut") return cutRejections(rejections, sender);
    const setting =
      outcome === "sender_full" ? "METERBOOK_REJECTED_BYTES_PER_SENDER_MAX" : "METERBOOK_REJECTED_BYTES_MAX";
    throw new AdapterError("rejected_full", {
      retryable: true,
      detail: `no room for what is refused of ${sender} (${setting})`,
    });
  };
}

/** Behind a broker the client is always the same; who is known by name is known there too. */
function senderOf(
  { sender, clientId }: RefusedSender,
  [first]: readonly Rejection[],
  whenFull: RejectedDoorOptions["whenFull"],
): string {
  return sender?.name ?? (whenFull === "cut" ? (first?.meterId ?? "") : clientId);
}

function bytesOf(rejections: readonly Rejection[]): number {
  return refusedMessages(rejections).reduce((sum, message) => sum + refusedBytes(message), 0);
}
