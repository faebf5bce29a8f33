import type { MeterRecord } from "./meter-record.ts";
import type { OutageRecord } from "./outage.ts";
import type { UsagePointRecord } from "./usage-point.ts";

/** Something that has master data with a version of their own. */
export interface EntityKey {
  readonly kind: "meter" | "usage-point" | "outage";
  readonly id: string;
}

/**
 * What is to become of one entity. `base` is the version that it was made from: 0 where there was none, null where it
 * does not matter. A guard writes nothing; it says of which version the writes beside it rely.
 */
export type EntityWrite = { readonly base: number | null } & (
  | { readonly meter: MeterRecord }
  | { readonly usagePoint: UsagePointRecord }
  | { readonly outage: OutageRecord }
  | { readonly guard: EntityKey }
);

/** Writes that hold together or not at all. */
export interface MasterDataChange {
  readonly writes: readonly [EntityWrite, ...EntityWrite[]];
  /** Who asked for it: the name of the caller's key; empty where nobody is named. */
  readonly by: string;
  readonly reason: string;
}

/** A change in the registry. */
export interface RecordedChange extends MasterDataChange {
  /** Made once: the same change that is written again has the same, and counts once. */
  readonly id: string;
  readonly recordedAtMs: number;
}

/** `conflict`: an entity has another version than the change was made from, and nothing was written. */
export type ChangeOutcome =
  | { readonly outcome: "applied" | "unchanged" }
  | { readonly outcome: "conflict"; readonly entity: EntityKey; readonly version: number };

export function entityOf(write: EntityWrite): EntityKey {
  if ("meter" in write) return { kind: "meter", id: write.meter.meterId };
  if ("usagePoint" in write) return { kind: "usage-point", id: write.usagePoint.usagePointId };
  if ("outage" in write) return { kind: "outage", id: write.outage.outageId };
  return write.guard;
}

/** A meter's record, whatever was known of it. */
export function setting(meter: MeterRecord, by: string): MasterDataChange {
  return { writes: [{ base: null, meter }], by, reason: "" };
}

const prefixes = { "usage-point": "usage-point/", outage: "outage/" } as const;

/** The key of a record of the registry's topic: a meter's is its id, and no id has a slash. */
export function entityName({ kind, id }: EntityKey): string {
  return kind === "meter" ? id : `${prefixes[kind]}${id}`;
}

export function namedEntity(name: string): EntityKey {
  for (const kind of ["usage-point", "outage"] as const) {
    if (name.startsWith(prefixes[kind])) return { kind, id: name.slice(prefixes[kind].length) };
  }
  return { kind: "meter", id: name };
}
