import { type RevisionKey, revisionPlace } from "@meterbook/core/domain/snapshot/revision-place";
import type { Snapshot } from "@meterbook/core/domain/snapshot/snapshot";
import { unreadableRevision } from "@meterbook/core/domain/snapshot/snapshot";

/** Revisions that an operator has struck out: their numbers stay taken, and their content counts no more. */
export interface StruckRevisions {
  /** What counts of an issued revision. */
  readonly seen: (snapshot: Snapshot) => Snapshot;
  has(key: RevisionKey): boolean;
  add(key: RevisionKey): void;
  delete(key: RevisionKey): void;
}

export function struckRevisions(): StruckRevisions {
  const struck = new Set<string>();
  return {
    seen: (snapshot) =>
      struck.size > 0 && struck.has(revisionPlace(snapshot)) ? unreadableRevision(snapshot) : snapshot,
    has: (key) => struck.has(revisionPlace(key)),
    add: (key) => void struck.add(revisionPlace(key)),
    delete: (key) => void struck.delete(revisionPlace(key)),
  };
}
