import { hasGrown } from "@meterbook/core/domain/seal/consistency";
import { type InclusionPath, rootOfPath, splitOf } from "@meterbook/core/domain/seal/merkle-tree";
import { hexOf, type KeptSeal, sealPlace } from "@meterbook/core/domain/seal/seal";
import { periodName } from "@meterbook/core/domain/snapshot/snapshot";
import { sha256 } from "@meterbook/core/records/seal/sha256";
import type { ApiTree, ApiTrees } from "./api-trees.ts";
import type { AskApi } from "./ask-api.ts";

interface ApiSeal {
  readonly shard: number;
  readonly size: number;
  readonly root: string;
  /** The seal that it has followed, with the proof of it. */
  readonly before?: { readonly size: number; readonly root: string; readonly path: readonly string[] };
}

/** So many snapshots of a tree are named; more say no more. */
const namedMax = 100;

/** Lines for seals that are not those of what the API tells of; they name the snapshots where that can be known. */
export async function* wrongApiSeals(trees: ApiTrees, ask: AskApi, kept: readonly KeptSeal[]): AsyncGenerator<string> {
  const all = trees.all();
  for (const period of new Set(all.map((tree) => tree.period))) {
    for (const seal of await sealsOf(ask, period)) {
      const tree = all.find((one) => one.period === period && one.shard === seal.shard);
      yield* wrongSeal(tree, { ...seal, period }, ask);
      yield* wrongGrowth(tree, { ...seal, period });
    }
  }
  for (const seal of kept) {
    const tree = all.find((one) => one.period === seal.period && one.shard === seal.shard);
    if ((tree?.size ?? 0) < seal.size)
      yield `${placeOf(seal)} kept seal_mismatch: the API tells of ${tree?.size ?? 0} records`;
    else if (tree?.rootOf(0, seal.size) !== seal.root)
      yield `${placeOf(seal)} kept seal_mismatch: what the API tells of is not that over which it was given`;
  }
}

/** A line where a seal is not the one before it grown, or where that one is not over the first records. */
function* wrongGrowth(tree: ApiTree | undefined, { before, ...seal }: ApiSeal & KeptSeal): Generator<string> {
  if (before === undefined) return;
  const bytes = (text: string) => Buffer.from(text, "hex");
  const [from, to] = [before, seal].map(({ size, root }) => ({ size, root: bytes(root) }));
  const place = placeOf({ ...seal, size: before.size });
  if (from === undefined || to === undefined) return;
  if (!hasGrown(sha256, { before: from, after: to, path: before.path.map(bytes) }))
    yield `${place} seal_mismatch: nothing shows that the seal of ${seal.size} records has followed it`;
  else if (tree !== undefined && tree.size >= before.size && tree.rootOf(0, before.size) !== before.root)
    yield `${place} seal_mismatch: what the API tells of is not that over which it was given`;
}

function placeOf(seal: KeptSeal): string {
  return `${sealPlace(seal)} seal of ${seal.size} records`;
}

async function sealsOf(ask: AskApi, period: number): Promise<readonly ApiSeal[]> {
  const { status, body } = await ask(`/v1/periods/${periodName(period)}/seal`);
  const shards = (body as { readonly shards?: readonly ApiSeal[] } | undefined)?.shards;
  return status === 200 && shards !== undefined ? shards : [];
}

async function* wrongSeal(tree: ApiTree | undefined, seal: KeptSeal, ask: AskApi): AsyncGenerator<string> {
  if (tree === undefined || tree.size < seal.size) {
    yield `${placeOf(seal)} records_lost: the API tells of ${tree?.size ?? 0} records`;
    return;
  }
  if (tree.rootOf(0, seal.size) === seal.root) return;
  let named = 0;
  for await (const leaf of wrongLeaves({ tree, seal, ask }, 0, seal.size)) {
    yield `${tree.idOf(leaf)} seal_mismatch: the answer is not the record that was sealed`;
    named += 1;
    if (named === namedMax) break;
  }
  if (named === 0) yield `${placeOf(seal)} seal_mismatch: what the API tells of is not what was sealed`;
}

interface Search {
  readonly tree: ApiTree;
  readonly seal: KeptSeal;
  readonly ask: AskApi;
}

/**
 * Leaves between `from` and `to`, a whole part of the tree that is not as it was sealed. The proof of its first leaf
 * has the hashes of all parts to the right of it, and so says which of them differ.
 */
async function* wrongLeaves(search: Search, from: number, to: number): AsyncGenerator<number> {
  const rights: { from: number; to: number }[] = [];
  for (let end = to; end - from > 1; end = from + splitOf(end - from))
    rights.push({ from: from + splitOf(end - from), to: end });
  const proof = await proofOf(search, from);
  if (proof?.leaf !== search.tree.rootOf(from, from + 1)) yield from;
  for (const [level, part] of rights.reverse().entries()) {
    // Without a proof each part is looked at.
    if (proof?.path[level] !== search.tree.rootOf(part.from, part.to)) yield* wrongLeaves(search, part.from, part.to);
  }
}

interface ApiProof {
  readonly leaf: string;
  readonly inShard: { readonly index: number; readonly size: number; readonly path: readonly string[] };
}

/** Undefined where the API has none that leads to the seal. */
async function proofOf({ tree, seal, ask }: Search, leaf: number) {
  const { status, body } = await ask(`/v1/snapshots/${encodeURIComponent(tree.idOf(leaf))}/proof`);
  if (status !== 200) return undefined;
  const { leaf: hash, inShard } = body as ApiProof;
  const path: InclusionPath = { ...inShard, path: inShard.path.map((text) => Buffer.from(text, "hex")) };
  const root = rootOfPath(sha256, Buffer.from(hash, "hex"), path);
  const leads = inShard.index === leaf && root !== undefined && hexOf(root) === seal.root;
  return leads ? { leaf: hash, path: inShard.path } : undefined;
}
