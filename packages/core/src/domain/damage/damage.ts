/** Where a record stands that cannot be used, or a place from which records are gone. Codes are labels of metrics. */
export const damagedPlaces = [
  "readings-log",
  "rejected-log",
  "registry",
  "series",
  "ledger",
  "billing",
  "damage-log",
  "audit-log",
] as const;
export type DamagedPlace = (typeof damagedPlaces)[number];

/** What is wrong with it. Names outlive versions: a code that is not known is shown as it is. */
export const damageCodes = [
  /** The checksum over the record is not that of its bytes. */
  "checksum_mismatch",
  /** The bytes are not a record of their kind. */
  "record_unreadable",
  /** The content's SHA-256 is not the hash that was issued with it. */
  "hash_mismatch",
  /** The record stands under a key (meter, period, revision, day) that is not its own. */
  "key_mismatch",
  /** Records that were there are gone: `lost` says how many, where that is known. */
  "records_lost",
  /** A store knows less than was known: it was restored from a backup, emptied or exchanged. */
  "store_behind",
  /** The record is whole, and not the one over which its period was sealed. */
  "seal_mismatch",
  /** The time of issue of snapshots lies in the future: the clock was ahead, and months may be final too soon. */
  "issued_too_soon",
] as const;
export type DamageCode = (typeof damageCodes)[number];

/** What is wrong with a record. */
export interface RecordFault {
  readonly code: DamageCode;
  readonly detail: string;
}

/** One damaged record, block or gap: found once, shown until an operator has acknowledged it. */
export interface Damage {
  /** Stable, from the place and the position: the same damage that is found again is the same entry. */
  readonly id: string;
  readonly place: DamagedPlace;
  readonly code: DamageCode;
  /** The record's position in its log, or the row: `partition 3 offset 17`, `m-1 2026-10-31`. */
  readonly where: string;
  /** What was found, in words. */
  readonly detail: string;
  /** What an operator can do, in words. */
  readonly help: string;
  /** Whose numbers it touches; null where that cannot be told. */
  readonly meterId: string | null;
  /** `YYYY-MM`; null where that cannot be told, or where it is no single month. */
  readonly period: string | null;
  /** How many readings or records are gone for good; 0 where nothing is lost, null where it is not known. */
  readonly lost: number | null;
  readonly foundAtMs: number;
}

/** What a reader knows that cannot say when. */
export type FoundDamage = Omit<Damage, "foundAtMs">;

/** An operator has seen it and has done what can be done; it is listed still, and is no longer named by readiness. */
export interface Acknowledgement {
  readonly atMs: number;
  readonly by: string;
  readonly reason: string;
}

/** An operator's order to mend it: appended beside the entry, never an edit of what is damaged. */
export type RepairOrder = Acknowledgement;

/**
 * `repaired`: what could be recovered is in its place. `struck`: it is left out for good, and a later record stands in
 * its place.
 */
export const mendingOutcomes = ["repaired", "struck"] as const;
export type MendingOutcome = (typeof mendingOutcomes)[number];

/** What was done about it, in the end. */
export interface Mending {
  readonly atMs: number;
  readonly outcome: MendingOutcome;
  /** In words. */
  readonly detail: string;
  /** How many readings or records could not be had again; null where nobody can count them. */
  readonly lost: number | null;
}

export interface KnownDamage extends Damage {
  readonly acknowledged: Acknowledgement | null;
  readonly asked: RepairOrder | null;
  readonly mended: Mending | null;
}

/** The same place gives the same id, whoever finds it and however often; it fits into a URL's path as it is. */
export function damageId(place: DamagedPlace, where: string): string {
  return `${place}:${where.replace(/[^A-Za-z0-9._-]+/g, "-")}`.slice(0, 200);
}

/** What a place is not told of stays null. */
export function damageAt(
  place: DamagedPlace,
  where: string,
  { code, detail }: RecordFault,
  more: Pick<Damage, "help" | "foundAtMs"> & Partial<Pick<Damage, "meterId" | "period" | "lost">>,
): Damage {
  return { id: damageId(place, where), place, code, where, detail, meterId: null, period: null, lost: null, ...more };
}
