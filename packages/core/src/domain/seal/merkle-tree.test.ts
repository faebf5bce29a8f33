// Goal: the tree is that of RFC 9162. Method: the vectors of RFC 6962's reference code (certificate-transparency), and
// properties against a
// tree that is written down as the RFC defines it.
import { createHash } from "node:crypto";
import fc from "fast-check";
import { expect, test } from "vitest";
import { growingTree, inclusionPath, leafHash, merkleRoot, nodeHash, rootOfPath } from "./merkle-tree.ts";

const sha256 = (bytes: Uint8Array) => new Uint8Array(createHash("sha256").update(bytes).digest());
const hex = (bytes: Uint8Array | undefined) => Buffer.from(bytes ?? []).toString("hex");
const bytes = (text: string) => new Uint8Array(Buffer.from(text, "hex"));

const leaves = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"].map(
  (text) => leafHash(sha256, bytes(text)),
);

const roots = [
  "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
  "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
  "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
  "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
  "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
  "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
  "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
  "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
  "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
];

test.for(roots.map((root, size) => [size, root] as const))("the root over %i leaves is %s", ([size, root]) => {
  expect(hex(merkleRoot(sha256, leaves.slice(0, size)))).toBe(root);
});

test.for([
  [0, 1, []],
  [
    0,
    8,
    [
      "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
      "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
      "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
    ],
  ],
  [
    5,
    8,
    [
      "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
      "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
      "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ],
  ],
  [2, 3, ["fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"]],
  [
    1,
    5,
    [
      "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
      "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
      "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
    ],
  ],
] as const)("the path of leaf %i of %i is %j", ([index, size, expected]) => {
  const proof = inclusionPath(sha256, leaves.slice(0, size), index);
  expect(proof.path.map(hex)).toEqual(expected);
  expect(hex(rootOfPath(sha256, leaves[index] as Uint8Array, proof))).toBe(roots[size]);
});

/** The definition, word for word. */
function definedRoot(of: readonly Uint8Array[]): Uint8Array {
  if (of.length === 0) return sha256(new Uint8Array());
  if (of.length === 1) return of[0] as Uint8Array;
  let split = 1;
  while (split * 2 < of.length) split *= 2;
  return nodeHash(sha256, definedRoot(of.slice(0, split)), definedRoot(of.slice(split)));
}

const someLeaves = fc
  .array(fc.uint8Array({ maxLength: 40 }), { minLength: 1, maxLength: 300 })
  .map((all) => all.map((one) => leafHash(sha256, one)));

test("any tree that grows has the root of the definition, at each size", () => {
  fc.assert(
    fc.property(someLeaves, (all) => {
      const tree = growingTree(sha256);
      const [last, ...rest] = [...all].reverse();
      for (const hash of rest.reverse()) tree.push(hash);
      expect(hex(tree.root(last))).toBe(hex(definedRoot(all)));
      tree.push(last as Uint8Array);
      expect([tree.size, hex(tree.root())]).toEqual([all.length, hex(definedRoot(all))]);
    }),
  );
});

test("a tree over the roots of pieces of 2^k leaves, the last maybe shorter, is the tree over all leaves", () => {
  fc.assert(
    fc.property(someLeaves, fc.integer({ min: 0, max: 6 }), (all, power) => {
      const pieces: Uint8Array[] = [];
      for (let from = 0; from < all.length; from += 2 ** power)
        pieces.push(merkleRoot(sha256, all.slice(from, from + 2 ** power)));
      expect(hex(merkleRoot(sha256, pieces))).toBe(hex(definedRoot(all)));
    }),
  );
});

test("the path of any leaf leads to the root, and nothing else that is near it does", () => {
  fc.assert(
    fc.property(someLeaves, fc.nat(), fc.nat(), (all, at, bit) => {
      const index = at % all.length;
      const proof = inclusionPath(sha256, all, index);
      const leaf = all[index] as Uint8Array;
      const root = hex(definedRoot(all));
      const leads = (from: Uint8Array, over: Partial<typeof proof>) =>
        hex(rootOfPath(sha256, from, { ...proof, ...over })) === root;
      expect(leads(leaf, {})).toBe(true);
      expect(leads(flipped(leaf, bit), {})).toBe(false);
      expect(leads(leaf, { path: [...proof.path, leaf] })).toBe(false);
      if (proof.path.length === 0) return;
      expect(leads(leaf, { path: proof.path.slice(1) })).toBe(false);
      const wrong = proof.path.map((hash, place) => (place === bit % proof.path.length ? flipped(hash, bit) : hash));
      expect(leads(leaf, { path: wrong })).toBe(false);
      const other = (index + 1) % all.length;
      if (hex(all[other]) !== hex(leaf)) expect(leads(all[other] as Uint8Array, {})).toBe(false);
    }),
  );
});

test.for([
  [-1, 3],
  [3, 3],
  [0, 0],
  [0.5, 3],
  [0, Number.POSITIVE_INFINITY],
])("there is no leaf %d of %d", ([index = 0, size = 0]) => {
  expect(rootOfPath(sha256, leaves[0] as Uint8Array, { index, size, path: [] })).toBeUndefined();
});

function flipped(hash: Uint8Array, bit: number): Uint8Array {
  const changed = Uint8Array.from(hash);
  const at = (bit >> 3) % changed.length;
  changed[at] = (changed[at] as number) ^ (1 << (bit & 7));
  return changed;
}
