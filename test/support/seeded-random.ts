/** A small seeded generator (mulberry32): 0 <= x < 1. Print the seed with whatever fails. */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** The same things in another order: none moves past another that is more than `reach` away by `place`. */
export function shuffledWithin<Thing>(
  things: readonly Thing[],
  reach: number,
  place: (thing: Thing) => number,
  random: () => number,
): Thing[] {
  return things
    .map((thing) => ({ thing, key: place(thing) + random() * reach }))
    .sort((a, b) => a.key - b.key)
    .map(({ thing }) => thing);
}
