import { merkleRoot, nodeHash, type Sha256, splitOf } from "./merkle-tree.ts";

/** The root over the leaves from `from` on and before `to`, of which there is at least one. */
export type RootOver = (from: number, to: number) => Uint8Array;

export function rootOverHashes(sha256: Sha256, hashes: readonly Uint8Array[]): RootOver {
  return (from, to) => merkleRoot(sha256, hashes.slice(from, to));
}

/**
 * The hashes which show that a tree over the first `before` leaves has grown into that over `size` leaves: that nothing
 * was changed, left out or put in between (RFC 9162, 2.1.4.1). Of two trees of the same size there are none.
 */
export function consistencyPath(rootOver: RootOver, before: number, size: number): Uint8Array[] {
  const path: Uint8Array[] = [];
  let [from, to] = [0, size];
  let isWhole = true;
  while (before < to) {
    const middle = from + splitOf(to - from);
    if (before <= middle) {
      path.push(rootOver(middle, to));
      to = middle;
    } else {
      path.push(rootOver(from, middle));
      from = middle;
      isWhole = false;
    }
  }
  if (!isWhole) path.push(rootOver(from, to));
  return path.reverse();
}

/** Two trees of which the second is said to be the first one grown. */
export interface GrownTree {
  readonly before: { readonly size: number; readonly root: Uint8Array };
  readonly after: { readonly size: number; readonly root: Uint8Array };
  readonly path: readonly Uint8Array[];
}

/** Whether the path shows that (RFC 9162, 2.1.4.2). */
export function hasGrown(sha256: Sha256, { before, after, path }: GrownTree): boolean {
  const isSize = (size: number) => Number.isSafeInteger(size) && size > 0;
  if (!isSize(before.size) || !isSize(after.size) || before.size > after.size) return false;
  if (before.size === after.size) return path.length === 0 && isEqual(before.root, after.root);
  // Where the first tree is one whole part of the second, its root begins the way.
  const [first, ...rest] = isPowerOfTwo(before.size) ? [before.root, ...path] : path;
  if (first === undefined) return false;
  let [at, last] = [before.size - 1, after.size - 1];
  while (at % 2 === 1) [at, last] = [Math.floor(at / 2), Math.floor(last / 2)];
  let [old, grown] = [first, first];
  for (const beside of rest) {
    if (last === 0) return false;
    if (at % 2 === 1 || at === last) {
      [old, grown] = [nodeHash(sha256, beside, old), nodeHash(sha256, beside, grown)];
      while (at % 2 === 0 && at !== 0) [at, last] = [at / 2, Math.floor(last / 2)];
    } else grown = nodeHash(sha256, grown, beside);
    [at, last] = [Math.floor(at / 2), Math.floor(last / 2)];
  }
  return last === 0 && isEqual(old, before.root) && isEqual(grown, after.root);
}

function isPowerOfTwo(size: number): boolean {
  return size === 1 || splitOf(size) * 2 === size;
}

function isEqual(one: Uint8Array, other: Uint8Array): boolean {
  return one.length === other.length && one.every((byte, index) => byte === other[index]);
}
