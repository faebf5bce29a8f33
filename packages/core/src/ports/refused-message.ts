import type { Rejection } from "./rejected-log.ts";

/** A message with all that was refused of it: its bytes are kept once, however many readings were refused. */
export interface RefusedMessage extends Omit<Rejection, "reason" | "detail" | "readingIndex"> {
  readonly refusals: readonly Refusal[];
}

export type Refusal = Pick<Rejection, "reason" | "detail" | "readingIndex">;

/** Refusals of one message that are kept together; a message has fewer readings. */
export const refusalsPerMessageMax = 2 ** 20;

/** A row of a message and one of a refusal, beside their texts. */
const messageRowBytes = 200;
const refusalRowBytes = 40;

/** What a message and its refusals take, about. */
export function refusedBytes({ payload, topic, refusals }: RefusedMessage): number {
  const texts = refusals.reduce((sum, { reason, detail }) => sum + reason.length + detail.length + refusalRowBytes, 0);
  return texts + messageRowBytes + payload.length + topic.length;
}

/** Puts together what follows each other and is of one message: its payload is the same object. */
export function refusedMessages(rejections: readonly Rejection[]): RefusedMessage[] {
  const messages: (RefusedMessage & { readonly refusals: Refusal[] })[] = [];
  for (const { reason, detail, readingIndex, ...message } of rejections) {
    const last = messages.at(-1);
    const refusal = { reason, detail, readingIndex };
    if (last !== undefined && isSame(last, message)) last.refusals.push(refusal);
    else messages.push({ ...message, refusals: [refusal] });
  }
  return messages;
}

function isSame(one: RefusedMessage, other: Omit<RefusedMessage, "refusals">): boolean {
  return (
    one.payload === other.payload &&
    one.refusals.length < refusalsPerMessageMax &&
    one.topic === other.topic &&
    one.meterId === other.meterId &&
    one.clientId === other.clientId &&
    one.receivedAtMs === other.receivedAtMs &&
    one.truncatedFrom === other.truncatedFrom &&
    one.source === other.source
  );
}
