import type { DatabaseSync } from "node:sqlite";
import { consistencyPath, type RootOver } from "@meterbook/core/domain/seal/consistency";
import { hashBytes, inclusionPath, merkleRoot } from "@meterbook/core/domain/seal/merkle-tree";
import { hexOf, type Seal, type SealedRecord, type SealGrowth } from "@meterbook/core/domain/seal/seal";
import type { RevisionKey } from "@meterbook/core/domain/snapshot/revision-place";
import type { PeriodSeals } from "@meterbook/core/ports/snapshot-ledger";
import { sha256 } from "@meterbook/core/records/seal/sha256";
import { issuedPeriods } from "./issued-periods.ts";
import { placeOfRow } from "./ledger-row.ts";
import { hashesOf, tileLeaves } from "./ledger-trees.ts";

/** Seals and proofs from the tables of `treeSchema`. */
export interface LedgerSeals {
  /** What a shard has to seal: of each period that has grown since its newest seal, the whole tree. */
  grown(shard: number): Omit<Seal, "sealedAtMs">[];
  ofPeriod(period: number): PeriodSeals;
  /** Of each shard that has sealed the period more than once, by shard. */
  growth(period: number): SealGrowth[];
  sealedRecord(key: RevisionKey): SealedRecord | "unsealed" | undefined;
}

export function ledgerSeals(database: DatabaseSync): LedgerSeals {
  const periods = issuedPeriods(database);
  const trees = treeReads(database);
  // With max() SQLite takes the other columns from the row that has it.
  const newest = database.prepare(
    "SELECT shard, max(size) AS size, root, sealed_at_ms FROM seal WHERE period = ? GROUP BY shard ORDER BY shard",
  );
  const newestOf = database.prepare(
    "SELECT size, root, sealed_at_ms FROM seal WHERE period = ? AND shard = ? ORDER BY size DESC LIMIT 1",
  );
  const before = database.prepare(
    "SELECT size, root, sealed_at_ms FROM seal WHERE period = ? AND shard = ? AND size < ? ORDER BY size DESC LIMIT 1",
  );
  const sizes = database.prepare(
    "SELECT max(tile) AS tile, length(leaves) AS bytes FROM tile WHERE period = ? GROUP BY shard",
  );
  const revision = database.prepare(`SELECT r.sequence, l.leaf, l.body FROM revision r JOIN ledger l USING (sequence)
    WHERE r.period = ? AND r.meter_id = ? AND r.revision = ?`);

  return {
    grown(shard) {
      return periods().flatMap((period) => {
        const size = trees.size(shard, period);
        if (size === 0 || size === newestOf.get(period, shard)?.["size"]) return [];
        return [{ shard, period, size, root: hexOf(merkleRoot(sha256, trees.tiles(shard, period, size))) }];
      });
    },
    ofPeriod: (period) => ({
      seals: newest.all(period).map((row) => sealOf(row, Number(row["shard"]), period)),
      records: sizes.all(period).reduce((sum, row) => sum + sizeOf(row), 0),
    }),
    growth: (period) =>
      newest.all(period).flatMap((row) => {
        const seal = sealOf(row, Number(row["shard"]), period);
        const earlier = before.get(period, seal.shard, seal.size);
        if (earlier === undefined) return [];
        const from = sealOf(earlier, seal.shard, period);
        const path = consistencyPath(trees.rootOver(seal.shard, period, seal.size), from.size, seal.size);
        return [{ before: from, seal, path }];
      }),
    sealedRecord({ meterId, period, revision: number }) {
      const found = revision.get(period, meterId, number);
      if (found === undefined) return undefined;
      const { shard } = placeOfRow(Number(found["sequence"]));
      const index = Number(found["leaf"]);
      const row = newestOf.get(period, shard);
      if (row === undefined || index >= Number(row["size"])) return "unsealed";
      const seal = sealOf(row, shard, period);
      const { size } = seal;
      const tile = Math.floor(index / tileLeaves);
      const below = inclusionPath(sha256, trees.leaves(shard, period, { tile, size }), index % tileLeaves);
      const above = inclusionPath(sha256, trees.tiles(shard, period, size), tile);
      const inShard = { index, size, path: [...below.path, ...above.path] };
      return { record: found["body"] as Uint8Array, inShard, seal };
    },
  };
}

function treeReads(database: DatabaseSync) {
  const last = database.prepare(
    "SELECT tile, length(leaves) AS bytes FROM tile WHERE period = ? AND shard = ? ORDER BY tile DESC LIMIT 1",
  );
  const roots = database.prepare("SELECT root FROM tile WHERE period = ? AND shard = ? AND tile < ? ORDER BY tile");
  const one = database.prepare("SELECT leaves FROM tile WHERE period = ? AND shard = ? AND tile = ?");

  /** Those of a tile that the tree had when it was of this size. */
  function leaves(shard: number, period: number, { tile, size }: { tile: number; size: number }): Uint8Array[] {
    const row = one.get(period, shard, tile)?.["leaves"] as Uint8Array | undefined;
    return hashesOf((row ?? new Uint8Array()).subarray(0, (size - tile * tileLeaves) * hashBytes));
  }

  /** The roots of the tiles of a tree of this size; the last may not be full. */
  function tiles(shard: number, period: number, size: number): Uint8Array[] {
    const full = Math.floor(size / tileLeaves);
    const hashes = roots.all(period, shard, full).map(({ root }) => root as Uint8Array);
    if (size % tileLeaves > 0) hashes.push(merkleRoot(sha256, leaves(shard, period, { tile: full, size })));
    return hashes;
  }

  return {
    leaves,
    tiles,
    size(shard: number, period: number): number {
      const row = last.get(period, shard);
      return row === undefined ? 0 : sizeOf(row);
    },
    /** Over parts of a tree of this size: a part of up to 256 leaves lies in one tile, a larger one begins with one. */
    rootOver(shard: number, period: number, size: number): RootOver {
      const hashes = tiles(shard, period, size);
      return (from, to) => {
        const tile = Math.floor(from / tileLeaves);
        if (to - from >= tileLeaves) return merkleRoot(sha256, hashes.slice(tile, Math.ceil(to / tileLeaves)));
        return merkleRoot(sha256, leaves(shard, period, { tile, size: to }).slice(from % tileLeaves));
      };
    },
  };
}

function sizeOf({ tile, bytes }: Record<string, unknown>): number {
  return Number(tile) * tileLeaves + Number(bytes) / hashBytes;
}

function sealOf({ size, root, sealed_at_ms }: Record<string, unknown>, shard: number, period: number): Seal {
  return { shard, period, size: Number(size), root: String(root), sealedAtMs: Number(sealed_at_ms) };
}
