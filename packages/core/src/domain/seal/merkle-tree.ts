/**
 * The Merkle tree of RFC 9162, section 2.1: a leaf is hashed behind a byte 0, two nodes behind a byte 1, and a tree of
 * n leaves is split at the largest power of two below n. Hashes go in and come out as bytes; who calls brings SHA-256.
 */
export type Sha256 = (bytes: Uint8Array) => Uint8Array;

/** SHA-256's. */
export const hashBytes = 32;

let scratch = new Uint8Array(1024);

export function leafHash(sha256: Sha256, leaf: Uint8Array): Uint8Array {
  return sha256(leafBytes(leaf));
}

/** What is hashed of a leaf; good until the next call. */
export function leafBytes(leaf: Uint8Array): Uint8Array {
  if (leaf.length >= scratch.length) scratch = new Uint8Array(2 * leaf.length);
  scratch[0] = 0;
  scratch.set(leaf, 1);
  return scratch.subarray(0, leaf.length + 1);
}

const pair = new Uint8Array(1 + 2 * hashBytes);
pair[0] = 1;

export function nodeHash(sha256: Sha256, left: Uint8Array, right: Uint8Array): Uint8Array {
  pair.set(left, 1);
  pair.set(right, 1 + hashBytes);
  return sha256(pair);
}

/** A tree that grows leaf by leaf; it keeps one hash for each bit of its size. */
export interface GrowingTree {
  readonly size: number;
  push(hash: Uint8Array): void;
  /** The root; with one more leaf at the end where `last` is given. */
  root(last?: Uint8Array): Uint8Array;
}

export function growingTree(sha256: Sha256): GrowingTree {
  /** Roots of full trees, the largest first; their sizes are the bits of `size`. */
  const peaks: Uint8Array[] = [];
  let size = 0;

  return {
    get size() {
      return size;
    },
    push(hash) {
      let merged = hash;
      for (let bits = size; bits % 2 === 1; bits = Math.floor(bits / 2))
        merged = nodeHash(sha256, peaks.pop() as Uint8Array, merged);
      peaks.push(merged);
      size += 1;
    },
    root(last) {
      const right = last === undefined ? peaks : [...peaks, last];
      if (right.length === 0) return sha256(new Uint8Array());
      return right.reduceRight((node, peak) => nodeHash(sha256, peak, node));
    },
  };
}

/** The root over the hashes of leaves; of no leaves it is the hash of nothing. */
export function merkleRoot(sha256: Sha256, hashes: readonly Uint8Array[]): Uint8Array {
  const tree = growingTree(sha256);
  for (const hash of hashes) tree.push(hash);
  return tree.root();
}

/** Where a leaf stands, and the hashes beside its way up to the root. */
export interface InclusionPath {
  readonly index: number;
  readonly size: number;
  readonly path: readonly Uint8Array[];
}

/** The way of the leaf at `index` through the tree over these hashes (RFC 9162, 2.1.3.1). */
export function inclusionPath(sha256: Sha256, hashes: readonly Uint8Array[], index: number): InclusionPath {
  const path: Uint8Array[] = [];
  let [from, to] = [0, hashes.length];
  while (to - from > 1) {
    const middle = from + splitOf(to - from);
    const isLeft = index < middle;
    const [start, end] = isLeft ? [middle, to] : [from, middle];
    path.push(merkleRoot(sha256, hashes.slice(start, end)));
    [from, to] = isLeft ? [from, middle] : [middle, to];
  }
  return { index, size: hashes.length, path: path.reverse() };
}

/** How many leaves are in the left part: the largest power of two below a size of two or more. */
export function splitOf(size: number): number {
  let split = 1;
  while (split * 2 < size) split *= 2;
  return split;
}

/**
 * The root to which the path leads from a leaf's hash (RFC 9162, 2.1.3.2); undefined where it is no path of such a
 * tree.
 */
export function rootOfPath(
  sha256: Sha256,
  leaf: Uint8Array,
  { index, size, path }: InclusionPath,
): Uint8Array | undefined {
  if (!(Number.isSafeInteger(index) && Number.isSafeInteger(size) && index >= 0 && index < size)) return undefined;
  let [at, last] = [index, size - 1];
  let node = leaf;
  for (const beside of path) {
    if (last === 0) return undefined;
    if (at % 2 === 1 || at === last) {
      node = nodeHash(sha256, beside, node);
      // The last leaf has no neighbour on the levels on which it is alone.
      while (at % 2 === 0 && at !== 0) [at, last] = [at / 2, Math.floor(last / 2)];
    } else node = nodeHash(sha256, node, beside);
    [at, last] = [Math.floor(at / 2), Math.floor(last / 2)];
  }
  return last === 0 ? node : undefined;
}
