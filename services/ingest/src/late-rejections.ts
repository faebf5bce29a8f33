import { refusedMessages } from "@meterbook/core/ports/refused-message";
import type { Rejection } from "@meterbook/core/ports/rejected-log";
import type { MeterSenders } from "./meter-senders.ts";
import type { RejectedDoor } from "./rejected-door.ts";

export interface LateRejectionsOptions {
  /** One that cuts where a sender has no room: what is refused now was acknowledged, and is kept. */
  readonly door: RejectedDoor;
  readonly senders: Pick<MeterSenders, "senderOf">;
  /** Resolves when they are kept. */
  readonly reject: (rejections: readonly Rejection[]) => Promise<void>;
}

/**
 * Keeps what was refused after its message was acknowledged. It fills the share of whoever sent it, so that each
 * message is one of its own, and takes its turn beside those that are refused here.
 */
export function lateRejections({ door, senders, reject }: LateRejectionsOptions) {
  return async (rejections: readonly Rejection[]): Promise<void> => {
    await Promise.all(
      refusedMessages(rejections).map(({ refusals, ...message }) => {
        const name = senders.senderOf(message.meterId ?? "");
        const all = refusals.map((refusal) => ({ ...message, ...refusal }));
        return reject(door({ clientId: message.clientId, sender: { name, speaksFor: () => true } }, all));
      }),
    );
  };
}
