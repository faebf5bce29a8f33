import type { SnapshotQuality } from "../snapshot/snapshot.ts";
import { snapshotQualities } from "../snapshot/snapshot.ts";

export function worstOf(a: SnapshotQuality, b: SnapshotQuality): SnapshotQuality {
  return rank(a) >= rank(b) ? a : b;
}

/** A quality that only a newer version knows promises nothing. */
function rank(quality: SnapshotQuality): number {
  const index = snapshotQualities.indexOf(quality);
  return index === -1 ? snapshotQualities.length : index;
}

/** What a month called suspect or missing is not inherited by the next. */
export function hasStanding(quality: SnapshotQuality): boolean {
  return quality === "actual" || quality === "derived" || quality === "estimated";
}
