import type { KafkaMessage } from "kafkajs";

/** How many readings a frame holds, said in a header so that nobody must decode it to count. */
export const readingsHeader = "readings";

/** 0 where the record does not say, or says what cannot be. */
export function readingsOf({ headers }: KafkaMessage): number {
  const given = headers?.[readingsHeader];
  const readings = Number(Array.isArray(given) ? given[0] : given);
  return Number.isSafeInteger(readings) && readings > 0 ? readings : 0;
}
