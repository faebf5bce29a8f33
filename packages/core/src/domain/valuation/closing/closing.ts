import { qualityOf, type Reading, type ReadingSeries } from "../../reading/reading.ts";
import type { Evidence, Method, SnapshotQuality } from "../../snapshot/snapshot.ts";
import { snapshotQualities } from "../../snapshot/snapshot.ts";
import type { Stretch } from "../../time/stretches.ts";
import type { ValuationRules } from "../valuation-rules.ts";

/** What stands around an instant on a register's line, of readings no worse than asked for. */
export interface Around {
  readonly boundary: number;
  readonly before: Anchor | undefined;
  readonly after: Anchor | undefined;
  readonly intervals: readonly ReadingSeries[];
  readonly modulus: number | undefined;
  /** Times without supply, ascending; none touches another. */
  readonly outages: readonly Stretch[];
}

export interface Anchor extends Reading {
  readonly total: number;
  readonly segment: number;
}

/** A register at an instant, how it was found and what it was made from. */
export interface Closing {
  /** What the register shows; null where it leaves the safe integers. */
  readonly value: number | null;
  /** The same on the line, which counts on across wraps. */
  readonly total: number | null;
  readonly segment: number;
  readonly quality: SnapshotQuality;
  readonly method: "EXACT" | "REG_PLUS_INTERVALS" | "LINEAR_SHORT" | "PROFILE_SCALED" | "FLAT_BETWEEN";
  /** The reading that decides: the one at the boundary, else the anchor before it. */
  readonly by: Reading;
  readonly before: Evidence | null;
  readonly after: Evidence | null;
}

export type Rung = (around: Around, rules: ValuationRules) => Closing | undefined;

export function evidenceOf(reading: Reading | undefined): Evidence | null {
  if (reading === undefined) return null;
  return { at: reading.at, value: reading.value, quality: qualityOf(reading.code) };
}

/** What a register shows of a total that lies beyond an anchor: counted on, and wrapped where the counter does. */
export function shownOf(anchor: Anchor, total: number, modulus: number | undefined): number | null {
  const shown = anchor.value + total - anchor.total;
  const wrapped = modulus !== undefined && shown >= modulus ? shown - modulus : shown;
  return Number.isSafeInteger(wrapped) && wrapped >= 0 ? wrapped : null;
}

/** No better than what it was made from: `inputs` is the index of the worst quality among that. */
export function worseOf(quality: SnapshotQuality, inputs: number): SnapshotQuality {
  return snapshotQualities[Math.max(snapshotQualities.indexOf(quality), inputs)] as SnapshotQuality;
}

/** A total that is known between two readings far apart, shared out. */
export function isShared({ method }: { readonly method: Method }): boolean {
  return method === "FLAT_BETWEEN" || method === "PROFILE_SCALED";
}
