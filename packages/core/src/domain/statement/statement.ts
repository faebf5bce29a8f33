import type { BaseUnit } from "../reading/reading.ts";
import type { Evidence, Method, RegisterSnapshot, SnapshotQuality } from "../snapshot/snapshot.ts";

/** What a usage point's month is made of: the issued rows of its meters, put together. Amounts are whole base units. */
export interface Statement {
  readonly usagePointId: string;
  readonly period: number;
  /** Seconds UTC, local midnights of the usage point. */
  readonly span: { readonly start: number; readonly boundary: number };
  /** The month was issued for this usage point before, and belongs to others by now: nothing is to be billed by it. */
  readonly isVoid: boolean;
  /** Empty if it is whole: then its segments cover the time of the usage point, each second once. */
  readonly waitsFor: readonly Wait[];
  /** Ordered by register and unit. */
  readonly registers: readonly StatementRegister[];
  /** Ordered by meter id. */
  readonly sources: readonly StatementSource[];
}

export interface StatementRegister {
  readonly register: string;
  readonly unit: BaseUnit;
  /** The sum of the segments; null where one of them has none. */
  readonly consumption: number | null;
  readonly quality: SnapshotQuality;
  /** How much more, or less, this is than what was final first; null where nothing has changed since. */
  readonly correction: number | null;
  /** By time. */
  readonly segments: readonly Segment[];
}

/** One meter's part. */
export interface Segment {
  readonly meterId: string;
  readonly snapshotId: string;
  readonly from: number;
  readonly to: number;
  readonly opening: number | null;
  readonly openingAt: number | null;
  readonly openingBasis: RegisterSnapshot["openingBasis"];
  readonly closing: number | null;
  readonly method: Method;
  readonly multiplier: number;
  readonly consumption: number | null;
  readonly quality: SnapshotQuality;
  readonly before: Evidence | null;
  readonly after: Evidence | null;
  readonly estimate: RegisterSnapshot["estimate"];
}

/** The revision that a segment is taken from. */
export interface StatementSource {
  readonly meterId: string;
  readonly snapshotId: string;
  readonly lifecycle: "provisional" | "final" | "revised";
  readonly hash: string;
}

/**
 * `no_meter`: nobody has said which meter was there. `overlap`: two meters say that they counted the same.
 * `not_issued`: the meter's month has not been issued. `no_value`: it was, without a consumption.
 */
export const waitReasons = ["no_meter", "overlap", "not_issued", "no_value"] as const;

export interface Wait {
  readonly reason: (typeof waitReasons)[number];
  readonly register: string | null;
  readonly meterId: string | null;
  readonly from: number;
  readonly to: number;
}

/** The text under a statement's hash: a line for it, and one for each snapshot that it is made of. */
export function statementText({ usagePointId, sources }: Statement, periodName: string): string {
  const head = `statement/1|${usagePointId}|${periodName}`;
  return [head, ...sources.map(({ meterId, hash }) => `${meterId}|${hash}`)].join("\n");
}
