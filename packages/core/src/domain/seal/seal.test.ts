import { createHash } from "node:crypto";
import { expect, test } from "vitest";
import { inclusionPath, leafHash, merkleRoot, rootOfPath } from "./merkle-tree.ts";
import { hexOf, isUnderSeal, pathOfShard, rootOverShards, type Seal, sealText } from "./seal.ts";

const sha256 = (bytes: Uint8Array) => new Uint8Array(createHash("sha256").update(bytes).digest());
const records = ["a", "b", "c"].map((text) => new TextEncoder().encode(text));
const hashes = records.map((record) => leafHash(sha256, record));
const october = 2026 * 12 + 9;
const seal: Seal = { shard: 3, period: october, size: 3, root: hexOf(merkleRoot(sha256, hashes)), sealedAtMs: 5 };
const other: Seal = { shard: 1, period: october, size: 1, root: hexOf(hashes[0] as Uint8Array), sealedAtMs: 7 };

test("a seal is a line of text", () => {
  expect(sealText(other)).toBe(`seal/1|2026-10|1|1|${other.root}`);
});

test("a record is under the seal of its shard, and that under the root over all, in whatever order the seals are given", () => {
  const sealed = { record: records[2] as Uint8Array, inShard: inclusionPath(sha256, hashes, 2), seal };
  expect(isUnderSeal(sha256, sealed)).toBe(true);
  expect(isUnderSeal(sha256, { ...sealed, record: records[1] as Uint8Array })).toBe(false);
  expect(isUnderSeal(sha256, { ...sealed, seal: other })).toBe(false);
  const over = hexOf(rootOverShards(sha256, [seal, other]));
  expect(hexOf(rootOverShards(sha256, [other, seal]))).toBe(over);
  for (const one of [seal, other]) {
    const leaf = leafHash(sha256, new TextEncoder().encode(sealText(one)));
    const root = rootOfPath(sha256, leaf, pathOfShard(sha256, [seal, other], one.shard));
    expect(hexOf(root as Uint8Array)).toBe(over);
  }
});
