import type { DatabaseSync } from "node:sqlite";
import { growingTree, hashBytes, leafHash, merkleRoot } from "@meterbook/core/domain/seal/merkle-tree";
import { hexOf, type KeptSeal, sealPlace } from "@meterbook/core/domain/seal/seal";
import { sha256 } from "@meterbook/core/records/seal/sha256";
import { hashesOf, tileLeaves } from "../../sqlite-views/ledger/ledger-trees.ts";
import type { FileName } from "../directory/directory-files.ts";
import type { WrongRow } from "./wrong-row.ts";

/** Holds a record against the tree of its shard and period. */
export type LeafCheck = (shard: number, period: number, leaf: number, record: Uint8Array) => boolean;

export function leafCheck(database: DatabaseSync): LeafCheck {
  const tileOf = database.prepare("SELECT leaves FROM tile WHERE period = ? AND shard = ? AND tile = ?");
  let key = "";
  let leaves: Uint8Array = new Uint8Array();
  return (shard, period, leaf, record) => {
    const tile = Math.floor(leaf / tileLeaves);
    const from = (leaf % tileLeaves) * hashBytes;
    const wanted = `${period}/${shard}/${tile}`;
    // A tile that grows is read again.
    if (wanted !== key || leaves.length < from + hashBytes)
      leaves = (tileOf.get(period, shard, tile)?.["leaves"] as Uint8Array | undefined) ?? new Uint8Array();
    key = wanted;
    return Buffer.compare(leaves.subarray(from, from + hashBytes), leafHash(sha256, record)) === 0;
  };
}

/** Seals, and tiles, that are not of the tree beside which they stand; and those that were kept elsewhere. */
export function* wrongSeals(database: DatabaseSync, file: FileName, kept: readonly KeptSeal[]): Generator<WrongRow> {
  for (const row of wrongIn(database, kept)) yield { ...row, file };
}

function* wrongIn(database: DatabaseSync, kept: readonly KeptSeal[]): Generator<WrongRow> {
  const tiles = database.prepare("SELECT tile, root, leaves FROM tile WHERE period = ? AND shard = ? ORDER BY tile");
  const sealsOf = database.prepare("SELECT size, root FROM seal WHERE period = ? AND shard = ?");
  for (const { period, shard } of treesOf(database, kept)) {
    const given = sealsOf.all(period, shard).map(({ size, root }) => ({ size: Number(size), root: String(root) }));
    const elsewhere = kept.filter((one) => one.period === period && one.shard === shard);
    const seals = [...given, ...elsewhere].sort((a, b) => a.size - b.size);
    yield* wrongInTree(tiles.iterate(period, shard), { period, shard, seals });
  }
}

function* treesOf(database: DatabaseSync, kept: readonly KeptSeal[]): Generator<{ period: number; shard: number }> {
  const known = new Set<string>();
  const found = database.prepare("SELECT DISTINCT period, shard FROM tile").all();
  for (const one of [
    ...found.map(({ period, shard }) => ({ period: Number(period), shard: Number(shard) })),
    ...kept,
  ]) {
    const key = `${one.period}/${one.shard}`;
    if (!known.has(key)) yield { period: one.period, shard: one.shard };
    known.add(key);
  }
}

interface SealsOfTree {
  readonly period: number;
  readonly shard: number;
  /** Smallest first. */
  readonly seals: readonly { readonly size: number; readonly root: string }[];
}

function* wrongInTree(tiles: Iterable<Record<string, unknown>>, of: SealsOfTree): Generator<WrongRow> {
  const tree = growingTree(sha256);
  let [size, next] = [0, 0];
  for (const { tile, root, leaves } of tiles) {
    const hashes = hashesOf(leaves as Uint8Array);
    size = Number(tile) * tileLeaves + hashes.length;
    for (; (of.seals[next]?.size ?? Number.POSITIVE_INFINITY) <= size; next += 1) {
      const seal = of.seals[next] as SealsOfTree["seals"][number];
      const part = hashes.slice(0, seal.size - Number(tile) * tileLeaves);
      if (hexOf(tree.root(merkleRoot(sha256, part))) !== seal.root) yield wrongSeal(of, seal.size);
    }
    if (root === null) continue;
    const found = merkleRoot(sha256, hashes);
    if (Buffer.compare(found, root as Uint8Array) !== 0)
      yield wrong(of, "checksum_mismatch", `tile ${tile}`, "its hashes do not give its root");
    tree.push(found);
  }
  for (const seal of of.seals.slice(next))
    yield wrong(of, "records_lost", `seal of ${seal.size} records`, `there are ${size} records`);
}

function wrongSeal(of: SealsOfTree, size: number): WrongRow {
  return wrong(of, "seal_mismatch", `seal of ${size} records`, "the records are not those that were sealed");
}

function wrong(of: SealsOfTree, code: WrongRow["code"], what: string, detail: string): WrongRow {
  return { file: "ledger", code, where: `${sealPlace(of)} ${what}`, detail, meterId: null };
}
