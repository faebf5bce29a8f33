import type { DatabaseSync } from "node:sqlite";
import { placeOfRow } from "@meterbook/adapters/sqlite-views/ledger/ledger-row";
import { growingTree, leafHash } from "@meterbook/core/domain/seal/merkle-tree";
import { hexOf } from "@meterbook/core/domain/seal/seal";
import type { SnapshotView } from "@meterbook/core/ports/snapshot-ledger";
import { sha256 } from "@meterbook/core/records/seal/sha256";

/** As the ledger says it. */
export async function isSealed({ periods, seals }: Pick<SnapshotView, "periods" | "seals">): Promise<boolean> {
  for (const period of await periods()) {
    const { seals: found, records } = await seals(period);
    if (found.reduce((sum, { size }) => sum + size, 0) < records) return false;
  }
  return true;
}

/**
 * Counted from the records alone: all are under a seal, and each seal that was ever made is the root over the first of
 * them.
 */
export function checkSeals(database: DatabaseSync): void {
  const ledger = database.prepare("SELECT sequence, body FROM ledger ORDER BY sequence").all();
  const trees = new Map<string, { roots: string[]; tree: ReturnType<typeof growingTree> }>();
  const months = new Map(
    database
      .prepare("SELECT sequence, period FROM revision")
      .all()
      .map((row) => [row["sequence"], row["period"]]),
  );
  for (const { sequence, body } of ledger) {
    const place = `${months.get(sequence as number)} shard ${placeOfRow(Number(sequence)).shard}`;
    const known = trees.get(place) ?? { roots: [], tree: growingTree(sha256) };
    trees.set(place, known);
    known.tree.push(leafHash(sha256, body as Uint8Array));
    known.roots.push(hexOf(known.tree.root()));
  }
  const sealed = new Map<string, number>();
  for (const { shard, period, size, root } of database.prepare("SELECT * FROM seal").all()) {
    const place = `${period} shard ${shard}`;
    if (trees.get(place)?.roots[Number(size) - 1] !== root) throw new Error(`the seal of ${place} at ${size} is wrong`);
    sealed.set(place, Math.max(sealed.get(place) ?? 0, Number(size)));
  }
  for (const [place, { roots }] of trees)
    if (sealed.get(place) !== roots.length)
      throw new Error(`${place} has ${roots.length} records, and ${sealed.get(place) ?? 0} are sealed`);
}
