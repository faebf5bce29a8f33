// Goal: a seal that is not the one before it grown is named, though it fits what is told now. Method: an API in a few
// lines that tells of three records, and of seals over two and over three.
import { consistencyPath, rootOverHashes } from "@meterbook/core/domain/seal/consistency";
import { leafHash, merkleRoot } from "@meterbook/core/domain/seal/merkle-tree";
import { hexOf } from "@meterbook/core/domain/seal/seal";
import { sha256 } from "@meterbook/core/records/seal/sha256";
import { expect, test } from "vitest";
import { apiTrees } from "./api-trees.ts";
import { wrongApiSeals } from "./verify-api-seals.ts";

const period = 2026 * 12 + 9;
const hashes = ["a", "b", "c"].map((text) => leafHash(sha256, Buffer.from(text)));
const rootOf = (all: readonly Uint8Array[]) => hexOf(merkleRoot(sha256, all));
const before = {
  size: 2,
  root: rootOf(hashes.slice(0, 2)),
  path: consistencyPath(rootOverHashes(sha256, hashes), 2, 3).map(hexOf),
};
const rewritten = rootOf([hashes[0], hashes[2]] as Uint8Array[]);

test.for([
  { case: "as it was", given: before, wrong: [] },
  {
    case: "over other records, with the path of the right one",
    given: { ...before, root: rewritten },
    wrong: [/nothing shows/],
  },
  {
    case: "without its path",
    given: { ...before, path: [] },
    wrong: [/2026-10 shard 0 seal of 2 records seal_mismatch/],
  },
  { case: "larger than the one that has followed it", given: { ...before, size: 4 }, wrong: [/nothing shows/] },
])("the seal before is told $case", async ({ given, wrong }) => {
  const trees = apiTrees();
  hashes.forEach((hash, index) => void trees.add(0, { meterId: `m-${index}`, period, revision: 1 }, hash));
  const body = { shards: [{ shard: 0, size: 3, root: rootOf(hashes), before: given }] };
  const lines: string[] = [];
  for await (const line of wrongApiSeals(trees, async () => ({ status: 200, body }), [])) lines.push(line);
  expect(lines).toEqual(wrong.map((said) => expect.stringMatching(said)));
});
