/**
 * What a draw is for. Every random choice of the fleet is a function of (seed, meter, purpose, time), never of the
 * order in which things are computed, so any part of it can be computed again by itself.
 */
export const purposes = {
  profile: 1,
  month: 2,
  days: 3,
  quarters: 4,
  exportDays: 5,
  exportQuarters: 6,
  delivery: 7,
  value: 8,
  skew: 9,
} as const;

/** 32 well-mixed bits of whole numbers (murmur3's mixing). */
export function hashOf(...numbers: readonly number[]): number {
  let hash = 0x9747b28c;
  for (const number of numbers) {
    hash = mixIn(hash, number | 0);
    hash = mixIn(hash, Math.floor(number / 4_294_967_296) | 0);
  }
  hash ^= hash >>> 16;
  hash = Math.imul(hash, 0x85ebca6b);
  hash ^= hash >>> 13;
  hash = Math.imul(hash, 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}

function mixIn(hash: number, number: number): number {
  let k = Math.imul(number, 0xcc9e2d51);
  k = Math.imul((k << 15) | (k >>> 17), 0x1b873593);
  const mixed = hash ^ k;
  return (Math.imul((mixed << 13) | (mixed >>> 19), 5) + 0xe6546b64) | 0;
}

/** 0 <= x < 1 */
export type Draw = () => number;

/** A sequence of draws that `key` alone decides (splitmix32). */
export function drawsOf(...key: readonly number[]): Draw {
  let state = hashOf(...key) | 0;
  return () => {
    state = (state + 0x9e3779b9) | 0;
    let z = state ^ (state >>> 16);
    z = Math.imul(z, 0x21f0aaad);
    z = Math.imul(z ^ (z >>> 15), 0x735a2d97);
    return ((z ^ (z >>> 15)) >>> 0) / 4_294_967_296;
  };
}

export function between(draw: Draw, low: number, high: number): number {
  return low + (high - low) * draw();
}

/** A whole number, both ends included. */
export function wholeBetween(draw: Draw, low: number, high: number): number {
  return low + Math.floor(draw() * (high - low + 1));
}
