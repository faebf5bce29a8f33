import type { FrameTally } from "@meterbook/sharding/tally";
import type { KafkaMessage } from "kafkajs";

/** How many readings a frame holds, said in a header so that nobody must decode it to count. */
export const readingsHeader = "readings";
/** `<writer> <total>`: the frame's place in what its writer has appended. */
export const tallyHeader = "tally";

/** 0 where the record does not say, or says what cannot be. */
export function readingsOf(message: KafkaMessage): number {
  return wholeAbove0(headerOf(message, readingsHeader));
}

/** Of nobody where the record does not say, or says what cannot be. */
export function tallyOf(message: KafkaMessage): FrameTally {
  const readings = readingsOf(message);
  const [writer = "", text] = headerOf(message, tallyHeader)?.split(" ") ?? [];
  const total = wholeAbove0(text);
  return total >= readings && total > 0 ? { writer, total, readings } : { writer: "", total: 0, readings };
}

function headerOf({ headers }: KafkaMessage, name: string): string | undefined {
  const given = headers?.[name];
  return (Array.isArray(given) ? given[0] : given)?.toString();
}

function wholeAbove0(text: string | undefined): number {
  const number = Number(text);
  return Number.isSafeInteger(number) && number > 0 ? number : 0;
}
