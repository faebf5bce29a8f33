import { periodName } from "../snapshot/snapshot.ts";
import { growingTree, type InclusionPath, inclusionPath, leafHash, rootOfPath, type Sha256 } from "./merkle-tree.ts";

/**
 * What a shard of the ledger says of one period: the root over the first `size` records that it holds of it, in order.
 */
export interface Seal {
  readonly shard: number;
  readonly period: number;
  readonly size: number;
  /** 64 hexadecimal digits. */
  readonly root: string;
  /** Log time. */
  readonly sealedAtMs: number;
}

/** What somebody has kept of a seal in another place. */
export type KeptSeal = Pick<Seal, "period" | "shard" | "size" | "root">;

/** How a tree is called where something is wrong with it. */
export function sealPlace({ period, shard }: Pick<Seal, "period" | "shard">): string {
  return `${periodName(period)} shard ${shard}`;
}

/** A record of the ledger, and its way to the seal of its shard. */
export interface SealedRecord {
  readonly record: Uint8Array;
  readonly inShard: InclusionPath;
  readonly seal: Seal;
}

/** A seal that has followed another of its shard and period, and the way between them (consistency.ts). */
export interface SealGrowth {
  readonly before: Seal;
  readonly seal: Seal;
  readonly path: readonly Uint8Array[];
}

/** A shard's seal as a leaf of the tree over all shards: a text that anybody can write. */
export function sealText({ period, shard, size, root }: Pick<Seal, "period" | "shard" | "size" | "root">): string {
  return `seal/1|${periodName(period)}|${shard}|${size}|${root}`;
}

/** Seals of one period in the order in which they are leaves. */
export function inShardOrder(seals: readonly Seal[]): Seal[] {
  return [...seals].sort((a, b) => a.shard - b.shard);
}

function leavesOf(sha256: Sha256, seals: readonly Seal[]): Uint8Array[] {
  return inShardOrder(seals).map((seal) => leafHash(sha256, new TextEncoder().encode(sealText(seal))));
}

/** The root over all shards of a period. */
export function rootOverShards(sha256: Sha256, seals: readonly Seal[]): Uint8Array {
  const tree = growingTree(sha256);
  for (const leaf of leavesOf(sha256, seals)) tree.push(leaf);
  return tree.root();
}

/** The way of a shard's seal to the root over all. */
export function pathOfShard(sha256: Sha256, seals: readonly Seal[], shard: number): InclusionPath {
  const index = inShardOrder(seals).findIndex((seal) => seal.shard === shard);
  return inclusionPath(sha256, leavesOf(sha256, seals), index);
}

/** Whether the record is under the seal. */
export function isUnderSeal(sha256: Sha256, { record, inShard, seal }: SealedRecord): boolean {
  const root = rootOfPath(sha256, leafHash(sha256, record), inShard);
  return inShard.size === seal.size && root !== undefined && hexOf(root) === seal.root;
}

export function hexOf(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) text += byte.toString(16).padStart(2, "0");
  return text;
}
