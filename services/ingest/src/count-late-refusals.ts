import type { RefusedMessage } from "@meterbook/core/ports/refused-message";
import type { MeterSenders } from "./meter-senders.ts";
import type { RejectedDoor } from "./rejected-door.ts";

export interface CountLateRefusalsOptions {
  /** One for what is kept already (`late`). */
  readonly door: RejectedDoor;
  readonly senders: Pick<MeterSenders, "senderOf">;
}

/**
 * Counts what other processes have refused and kept: it fills the share of whoever sent it. An aggregator knows only
 * the meter. Ingest knows which sender's messages brought that meter's readings.
 */
export function countLateRefusals({ door, senders }: CountLateRefusalsOptions): (message: RefusedMessage) => void {
  return ({ refusals, ...message }) => {
    const { senderName, meterId, clientId } = message;
    const isOfMeter = senderName === undefined || senderName === meterId;
    const name = isOfMeter ? senders.senderOf(meterId ?? "") : senderName;
    const all = refusals.map((refusal) => ({ ...message, ...refusal }));
    door({ clientId, sender: { name, speaksFor: () => true } }, all);
  };
}
