/**
 * Kafka's murmur2 (seed 0x9747b28c) over the bytes of a meter id, as a signed 32-bit number.
 * Meter ids are ASCII by their pattern, so a character is a byte.
 */
export function murmur2(text: string): number {
  const length = text.length;
  const m = 0x5bd1e995;
  let h = 0x9747b28c ^ length;
  let i = 0;
  for (; i + 4 <= length; i += 4) {
    let k =
      text.charCodeAt(i) |
      (text.charCodeAt(i + 1) << 8) |
      (text.charCodeAt(i + 2) << 16) |
      (text.charCodeAt(i + 3) << 24);
    k = Math.imul(k, m);
    k ^= k >>> 24;
    k = Math.imul(k, m);
    h = Math.imul(h, m) ^ k;
  }
  const rest = length - i;
  if (rest >= 3) h ^= text.charCodeAt(i + 2) << 16;
  if (rest >= 2) h ^= text.charCodeAt(i + 1) << 8;
  if (rest >= 1) h = Math.imul(h ^ text.charCodeAt(i), m);
  h ^= h >>> 13;
  h = Math.imul(h, m);
  return h ^ (h >>> 15);
}

export const slotCount = 256;

/** 0 to 255: decides the Kafka partition, the InfluxDB tag `k` and the aggregator's unit of state. */
export function slotOf(meterId: string): number {
  return murmur2(meterId) & (slotCount - 1);
}

/** `partitions` is a power of two up to 256. */
export function partitionOf(meterId: string, partitions: number): number {
  return slotOf(meterId) % partitions;
}
