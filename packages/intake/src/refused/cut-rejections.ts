import type { Rejection } from "@meterbook/core/ports/rejected-log";

const cutPayloadBytes = 256;

/** The refusals of one message with its beginning only: what is kept of a sender that has no more room. */
export function cutRejections(rejections: readonly Rejection[], senderName: string): readonly Rejection[] {
  const [first] = rejections;
  if (first === undefined) return rejections;
  const payload = first.payload.subarray(0, cutPayloadBytes);
  const truncatedFrom = first.truncatedFrom ?? first.payload.length;
  return rejections.map((one) => ({ ...one, payload, truncatedFrom, senderName }));
}
