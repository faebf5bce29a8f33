import { hash } from "node:crypto";
import type { DatabaseSync } from "node:sqlite";
import {
  type GrowingTree,
  growingTree,
  hashBytes,
  leafBytes,
  merkleRoot,
} from "@meterbook/core/domain/seal/merkle-tree";
import { sha256 } from "@meterbook/core/records/seal/sha256";

/**
 * The Merkle trees of a ledger, one for each shard and period, over its records in their order. Hashes of leaves are
 * kept in tiles of 256, with the root of each full one, so a proof reads two tiles and no record but its own.
 */
export const treeSchema = `
  CREATE TABLE IF NOT EXISTS tile (period INTEGER NOT NULL, shard INTEGER NOT NULL, tile INTEGER NOT NULL, root BLOB,
    leaves BLOB NOT NULL, PRIMARY KEY (period, shard, tile));
  CREATE TABLE IF NOT EXISTS seal (period INTEGER NOT NULL, shard INTEGER NOT NULL, size INTEGER NOT NULL, root TEXT NOT NULL,
    sealed_at_ms INTEGER NOT NULL, PRIMARY KEY (period, shard, size)) WITHOUT ROWID;
  CREATE TRIGGER IF NOT EXISTS seal_is_final BEFORE UPDATE ON seal BEGIN SELECT RAISE(ABORT, 'a seal never changes'); END;
  CREATE TRIGGER IF NOT EXISTS seal_is_kept BEFORE DELETE ON seal BEGIN SELECT RAISE(ABORT, 'a seal is never deleted'); END;
`;

/** Leaves of a tile: a power of two. */
export const tileLeaves = 256;

/** Adds leaves to the tables of `treeSchema`, inside the caller's transaction. */
export interface LedgerTrees {
  /** How many leaves the tree has. */
  size(shard: number, period: number): number;
  push(shard: number, period: number, record: Uint8Array): void;
  /** To be called before the transaction ends. */
  ended(): void;
  /** To be called when it was undone. */
  undone(): void;
}

interface Tree {
  readonly shard: number;
  readonly period: number;
  /** Over the roots of full tiles. */
  readonly tiles: GrowingTree;
  readonly leaves: Buffer;
  count: number;
  isChanged: boolean;
}

const treesMax = 1024;

export function ledgerTrees(database: DatabaseSync): LedgerTrees {
  const write = database.prepare(`INSERT INTO tile (period, shard, tile, root, leaves) VALUES (?, ?, ?, ?, ?)
    ON CONFLICT (period, shard, tile) DO UPDATE SET root = excluded.root, leaves = excluded.leaves`);
  const roots = database.prepare(
    "SELECT root FROM tile WHERE period = ? AND shard = ? AND root IS NOT NULL ORDER BY tile",
  );
  const open = database.prepare("SELECT leaves FROM tile WHERE period = ? AND shard = ? AND tile = ?");
  const trees = new Map<number, Tree>();

  function read(shard: number, period: number): Tree {
    const tiles = growingTree(sha256);
    for (const { root } of roots.iterate(period, shard)) tiles.push(root as Uint8Array);
    const begun = open.get(period, shard, tiles.size)?.["leaves"] as Uint8Array | undefined;
    const leaves = Buffer.alloc(tileLeaves * hashBytes);
    leaves.set(begun ?? []);
    return { shard, period, tiles, leaves, count: (begun?.length ?? 0) / hashBytes, isChanged: false };
  }

  function treeOf(shard: number, period: number): Tree {
    const key = period * 1024 + shard;
    const tree = trees.get(key) ?? read(shard, period);
    trees.set(key, tree);
    return tree;
  }

  function fill(tree: Tree): void {
    const root = merkleRoot(sha256, hashesOf(tree.leaves));
    write.run(tree.period, tree.shard, tree.tiles.size, root, tree.leaves);
    tree.tiles.push(root);
    tree.count = 0;
  }

  return {
    size(shard, period) {
      const { tiles, count } = treeOf(shard, period);
      return tiles.size * tileLeaves + count;
    },
    push(shard, period, record) {
      const tree = treeOf(shard, period);
      // Of each record that is issued: as a text, which is made in a third of the time of a buffer.
      const leaf = hash("sha256", leafBytes(record), "binary");
      tree.leaves.write(leaf, tree.count * hashBytes, hashBytes, "binary");
      tree.count += 1;
      tree.isChanged = true;
      if (tree.count === tileLeaves) fill(tree);
    },
    ended() {
      for (const tree of trees.values()) {
        if (tree.isChanged && tree.count > 0) {
          const leaves = tree.leaves.subarray(0, tree.count * hashBytes);
          write.run(tree.period, tree.shard, tree.tiles.size, null, leaves);
        }
        tree.isChanged = false;
      }
      if (trees.size > treesMax) trees.clear();
    },
    undone: () => trees.clear(),
  };
}

/** The hashes that stand in a row behind each other. */
export function hashesOf(row: Uint8Array): Uint8Array[] {
  return Array.from({ length: row.length / hashBytes }, (_, index) =>
    row.subarray(index * hashBytes, (index + 1) * hashBytes),
  );
}
