// Goal: that a tree is an earlier one grown is shown by the path of RFC 9162, and by nothing near it. Method: the
// vectors of RFC 6962's reference code (certificate-transparency), and properties over trees of any sizes.
import { createHash } from "node:crypto";
import fc from "fast-check";
import { expect, test } from "vitest";
import { consistencyPath, type GrownTree, hasGrown, rootOverHashes } from "./consistency.ts";
import { leafHash, merkleRoot } from "./merkle-tree.ts";

const sha256 = (bytes: Uint8Array) => new Uint8Array(createHash("sha256").update(bytes).digest());
const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");

const leaves = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"].map(
  (text) => leafHash(sha256, Buffer.from(text, "hex")),
);

test.for([
  [1, 1, []],
  [
    1,
    8,
    [
      "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
      "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
      "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
    ],
  ],
  [
    6,
    8,
    [
      "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
      "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
      "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ],
  ],
  [
    2,
    5,
    [
      "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
      "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
    ],
  ],
] as const)("from %i to %i leaves the path is %j", ([before, size, expected]) => {
  expect(consistencyPath(rootOverHashes(sha256, leaves), before, size).map(hex)).toEqual(expected);
});

const someLeaves = fc
  .array(fc.uint8Array({ maxLength: 20 }), { minLength: 1, maxLength: 200 })
  .map((all) => all.map((one, index) => leafHash(sha256, Buffer.concat([one, Buffer.from(String(index))]))));

function grown(all: readonly Uint8Array[], before: number): GrownTree {
  const rootOf = (size: number) => ({ size, root: merkleRoot(sha256, all.slice(0, size)) });
  const path = consistencyPath(rootOverHashes(sha256, all), before, all.length);
  return { before: rootOf(before), after: rootOf(all.length), path };
}

test("any tree is shown to have grown out of each smaller one, and nothing else that is near is", () => {
  fc.assert(
    fc.property(someLeaves, fc.nat(), fc.nat(), (all, drawn, bit) => {
      const before = 1 + (drawn % all.length);
      const right = grown(all, before);
      expect(hasGrown(sha256, right)).toBe(true);
      const wrong = (over: Partial<GrownTree>) => expect(hasGrown(sha256, { ...right, ...over })).toBe(false);
      wrong({ before: { ...right.before, root: flipped(right.before.root, bit) } });
      wrong({ after: { ...right.after, root: flipped(right.after.root, bit) } });
      wrong({ path: [...right.path, right.before.root] });
      if (before < all.length) wrong({ path: right.path.slice(1) });
      const place = bit % Math.max(1, right.path.length);
      if (right.path.length > 0)
        wrong({ path: right.path.map((hash, index) => (index === place ? flipped(hash, bit) : hash)) });
    }),
  );
});

test("a tree in which an early leaf was changed has no path from the one before", () => {
  fc.assert(
    fc.property(someLeaves, fc.nat(), fc.nat(), (all, drawn, which) => {
      const before = 1 + (drawn % all.length);
      const changed = all.map((hash, index) => (index === which % before ? flipped(hash, 3) : hash));
      expect(hasGrown(sha256, { ...grown(changed, before), before: grown(all, before).before })).toBe(false);
    }),
  );
});

test.for([
  [0, 3],
  [4, 3],
  [1.5, 3],
  [1, Number.POSITIVE_INFINITY],
] as const)("no tree of %d leaves grows into one of %d", ([before, after]) => {
  const [root] = leaves as [Uint8Array];
  expect(hasGrown(sha256, { before: { size: before, root }, after: { size: after, root }, path: [] })).toBe(false);
});

function flipped(hash: Uint8Array, bit: number): Uint8Array {
  const changed = Uint8Array.from(hash);
  const at = (bit >> 3) % changed.length;
  changed[at] = (changed[at] as number) ^ (1 << (bit & 7));
  return changed;
}
