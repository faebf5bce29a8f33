import type { DatabaseSync } from "node:sqlite";
import { placeOfRow } from "@meterbook/adapters/sqlite-views/ledger/ledger-row";
import { growingTree, leafHash } from "@meterbook/core/domain/seal/merkle-tree";
import { hexOf } from "@meterbook/core/domain/seal/seal";
import type { SnapshotView } from "@meterbook/core/ports/snapshot-ledger";
import { sha256 } from "@meterbook/core/records/seal/sha256";
import type { MemoryLog } from "./memory-log.ts";
import { barrierTimes } from "./oracles.ts";

/** As the ledger says it. */
export async function isSealed({ periods, seals }: Pick<SnapshotView, "periods" | "seals">): Promise<boolean> {
  for (const period of await periods()) {
    const { seals: found, records } = await seals(period);
    if (found.reduce((sum, { size }) => sum + size, 0) < records) return false;
  }
  return true;
}

/** The records of a period in a shard, which are a partition's. */
interface Grown {
  readonly shard: number;
  readonly roots: string[];
  readonly issuedAtMs: number[];
  readonly tree: ReturnType<typeof growingTree>;
}

const sealAfterMs = 10 * 60_000;

/**
 * Where records that a seal is the first to cover were to be sealed at an earlier barrier. Whoever passes a close, or a
 * barrier ten minutes after something was issued, seals it: also an owner that has not issued it, or was not told that
 * the ledger has kept it.
 */
function lateBy(
  { shard, issuedAtMs }: Grown,
  fresh: { readonly from: number; readonly to: number },
  sealedAtMs: number,
  log: MemoryLog,
): number | undefined {
  for (const issuedAt of issuedAtMs.slice(fresh.from, fresh.to)) {
    const isDue = ({ atMs, isClose }: { atMs: number; isClose: boolean }) =>
      atMs >= issuedAt + (isClose ? 0 : sealAfterMs);
    const due = barrierTimes(log, shard).find(isDue);
    if (due !== undefined && due.atMs < sealedAtMs) return sealedAtMs - due.atMs;
  }
  return undefined;
}

/**
 * Counted from the records alone: all are under a seal, and each seal that was ever made is the root over the first of
 * them, and none was late.
 */
export function checkSeals(database: DatabaseSync, log: MemoryLog): void {
  const ledger = database.prepare("SELECT sequence, body, issued_at_ms FROM ledger ORDER BY sequence").all();
  const trees = new Map<string, Grown>();
  const months = new Map(
    database
      .prepare("SELECT sequence, period FROM revision")
      .all()
      .map((row) => [row["sequence"], row["period"]]),
  );
  for (const { sequence, body, issued_at_ms } of ledger) {
    const { shard } = placeOfRow(Number(sequence));
    const place = `${months.get(sequence as number)} shard ${shard}`;
    const known = trees.get(place) ?? { shard, roots: [], issuedAtMs: [], tree: growingTree(sha256) };
    trees.set(place, known);
    known.issuedAtMs.push(Number(issued_at_ms));
    known.tree.push(leafHash(sha256, body as Uint8Array));
    known.roots.push(hexOf(known.tree.root()));
  }
  const sealed = new Map<string, number>();
  for (const { shard, period, size, root, sealed_at_ms } of database
    .prepare("SELECT * FROM seal ORDER BY size")
    .all()) {
    const place = `${period} shard ${shard}`;
    if (trees.get(place)?.roots[Number(size) - 1] !== root) throw new Error(`the seal of ${place} at ${size} is wrong`);
    const before = sealed.get(place) ?? 0;
    const late = lateBy(trees.get(place) as Grown, { from: before, to: Number(size) }, Number(sealed_at_ms), log);
    if (late !== undefined) throw new Error(`the seal of ${place} at ${size} came ${late / 60_000} minutes late`);
    sealed.set(place, Math.max(before, Number(size)));
  }
  for (const [place, { roots }] of trees)
    if (sealed.get(place) !== roots.length)
      throw new Error(`${place} has ${roots.length} records, and ${sealed.get(place) ?? 0} are sealed`);
}
