import { type GrowingTree, growingTree, leafHash } from "@meterbook/core/domain/seal/merkle-tree";
import { hexOf, type KeptSeal, type Seal, sealPlace } from "@meterbook/core/domain/seal/seal";
import { sha256 } from "@meterbook/core/records/seal/sha256";

/** The trees of a ledger while its records are read in their order. */
export interface TopicSeals {
  add(shard: number, period: number, record: Uint8Array): void;
  /** Why a seal is not that of the records before it. */
  check(seal: Seal): string | undefined;
  /** What is wrong with the seals that were kept elsewhere; to be asked at the end. */
  wrongKept(): Iterable<{ readonly row: string; readonly detail: string }>;
}

export function topicSeals(kept: readonly KeptSeal[]): TopicSeals {
  const trees = new Map<string, GrowingTree>();
  const waiting = Map.groupBy(kept, ({ shard, period, size }) => `${keyOf(shard, period)}/${size}`);
  const wrong: KeptSeal[] = [];
  const sealed = new Map<string, number>();

  return {
    add(shard, period, record) {
      const key = keyOf(shard, period);
      const tree = trees.get(key) ?? growingTree(sha256);
      trees.set(key, tree);
      tree.push(leafHash(sha256, record));
      const place = `${key}/${tree.size}`;
      wrong.push(...(waiting.get(place) ?? []).filter(({ root }) => root !== hexOf(tree.root())));
      waiting.delete(place);
    },
    check({ shard, period, size, root }) {
      const key = keyOf(shard, period);
      const tree = trees.get(key) ?? growingTree(sha256);
      const before = sealed.get(key) ?? 0;
      sealed.set(key, size);
      if (tree.size !== size) return `it is over ${size} records, and ${tree.size} stand before it`;
      if (hexOf(tree.root()) === root) return undefined;
      return `records ${before + 1} to ${size} of the period are not those that were sealed, or earlier ones are not`;
    },
    *wrongKept() {
      for (const seal of wrong) yield keptFault(seal, "the records are not those over which it was given");
      for (const seal of [...waiting.values()].flat()) yield keptFault(seal, "there are fewer records");
    },
  };
}

function keptFault(seal: KeptSeal, detail: string) {
  return { row: `kept seal of ${sealPlace(seal)}, ${seal.size} records`, detail };
}

function keyOf(shard: number, period: number): string {
  return `${shard}/${period}`;
}
