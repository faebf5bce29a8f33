import { hashBytes, merkleRoot } from "@meterbook/core/domain/seal/merkle-tree";
import { hexOf } from "@meterbook/core/domain/seal/seal";
import type { RevisionKey } from "@meterbook/core/domain/snapshot/revision-place";
import { snapshotId } from "@meterbook/core/domain/snapshot/snapshot";
import { sha256 } from "@meterbook/core/records/seal/sha256";

/** The hashes of what an API tells of, in the order of one shard and period. */
export interface ApiTree {
  readonly shard: number;
  readonly period: number;
  readonly size: number;
  idOf(leaf: number): string;
  /** Of the leaves from `from` on and before `to`, 64 hexadecimal digits. */
  rootOf(from: number, to: number): string;
}

export interface ApiTrees {
  add(shard: number, key: RevisionKey, hash: Uint8Array): void;
  all(): readonly ApiTree[];
}

export function apiTrees(): ApiTrees {
  const trees = new Map<string, ReturnType<typeof treeOf>>();
  return {
    add(shard, key, hash) {
      const name = `${shard}/${key.period}`;
      const tree = trees.get(name) ?? treeOf(shard, key.period);
      trees.set(name, tree);
      tree.add(snapshotId(key), hash);
    },
    all: () => [...trees.values()],
  };
}

function treeOf(shard: number, period: number) {
  const ids: string[] = [];
  let hashes = Buffer.alloc(1024 * hashBytes);
  return {
    shard,
    period,
    get size() {
      return ids.length;
    },
    add(id: string, hash: Uint8Array): void {
      if ((ids.length + 1) * hashBytes > hashes.length) hashes = Buffer.concat([hashes], 2 * hashes.length);
      hashes.set(hash, ids.length * hashBytes);
      ids.push(id);
    },
    idOf: (leaf: number) => ids[leaf] ?? "",
    rootOf(from: number, to: number): string {
      const part = Array.from({ length: to - from }, (_, index) => {
        const at = (from + index) * hashBytes;
        return hashes.subarray(at, at + hashBytes);
      });
      return hexOf(merkleRoot(sha256, part));
    },
  };
}
