import type { RefusedMessage } from "@meterbook/core/ports/refused-message";
import { refusedMessages } from "@meterbook/core/ports/refused-message";
import type { Rejection } from "@meterbook/core/ports/rejected-log";

/** A message whose payload stands in `payloads`, the next so many bytes of them. */
export interface PackedMessage extends Omit<RefusedMessage, "payload"> {
  readonly payloadBytes: number;
}

/** Refusals on their way to another thread. */
export interface PackedRejections {
  readonly messages: readonly PackedMessage[];
  readonly payloads: Uint8Array<ArrayBuffer>;
}

/**
 * The payloads in one piece, to be transferred: each by itself would be copied with all that stands around it in
 * memory.
 */
export function packRejections(rejections: readonly Rejection[]): PackedRejections {
  const refused = refusedMessages(rejections);
  const payloads = new Uint8Array(refused.reduce((sum, { payload }) => sum + payload.length, 0));
  let at = 0;
  const messages = refused.map(({ payload, ...message }) => {
    payloads.set(payload, at);
    at += payload.length;
    return { ...message, payloadBytes: payload.length };
  });
  return { messages, payloads };
}

export function* unpackMessages({ messages, payloads }: PackedRejections): Generator<RefusedMessage> {
  let at = 0;
  for (const { payloadBytes, ...message } of messages) {
    yield { ...message, payload: payloads.subarray(at, at + payloadBytes) };
    at += payloadBytes;
  }
}
