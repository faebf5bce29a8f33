import type { BaseUnit, Origin, ReadingQuality } from "../reading/reading.ts";
import type { Finding } from "./finding.ts";

/**
 * Best first. `incomplete`: part of an interval month, or a register's opening, is missing; `missing`: there is nothing
 * to go by.
 */
export const snapshotQualities = ["actual", "derived", "estimated", "suspect", "incomplete", "missing"] as const;
export type SnapshotQuality = (typeof snapshotQualities)[number];

export const lifecycles = ["provisional", "final", "revised"] as const;
export type Lifecycle = (typeof lifecycles)[number];

/**
 * How the closing value was found (domain rules, section 4). The ladder is open: later methods join this list. `VOID`:
 * the month is no longer the meter's, and nothing is to be billed for it.
 */
export const methods = [
  "EXACT",
  "REG_PLUS_INTERVALS",
  "LINEAR_SHORT",
  "FLAT_BETWEEN",
  "INTERVAL_SUM",
  "MISSING",
  "VOID",
  "ADU_PRIOR_YEAR",
  "ADU_PRIOR_PERIOD",
  "ANNUAL_EXPECTED",
  "ZERO_OUTAGE",
  "PROFILE_SCALED",
] as const;
export type Method = (typeof methods)[number];

/**
 * What a month opens with; in the order of their numbers in the record. `line`: what the month before had has no
 * standing, so the line's own value opens the month.
 */
export const openingBases = ["previous", "installation", "first-reading", "line"] as const;
export type OpeningBasis = (typeof openingBases)[number];

/**
 * Why a register has no consumption, or no value, although it has readings; in the order of their numbers in the
 * record.
 */
export const faults = [
  "register_ran_backwards",
  "amount_out_of_range",
  "master_data_damaged",
  "above_ceiling",
  "readings_suspect",
  "point_inactive",
] as const;
export type RegisterFault = (typeof faults)[number];

export interface Evidence {
  readonly at: number;
  readonly value: number;
  readonly quality: ReadingQuality;
}

/**
 * The closing of one register at one boundary. Amounts are whole base units; instants are seconds UTC.
 *
 * `quality` is that of the row, so of everything the consumption was made from; `valueQuality` is that of the
 * closing value alone and is what the next period's opening inherits.
 */
export interface RegisterSnapshot {
  readonly register: string;
  /** Where the meter was, if not at the snapshot's usage point. */
  readonly usagePointId: string | null;
  readonly unit: BaseUnit;
  readonly value: number | null;
  readonly valueQuality: SnapshotQuality;
  readonly opening: number | null;
  readonly openingBasis: OpeningBasis | null;
  /** When the register showed the opening. */
  readonly openingAt: number | null;
  /**
   * What the line shows at the opening minus the opening: what this month makes up for the one before. Null if the
   * line shows nothing there.
   */
  readonly carried: number | null;
  /** When the row begins and ends, if not with the month. */
  readonly from: number | null;
  readonly to: number | null;
  readonly consumption: number | null;
  readonly quality: SnapshotQuality;
  readonly method: Method;
  readonly origin: Origin | null;
  readonly readAt: number | null;
  readonly before: Evidence | null;
  readonly after: Evidence | null;
  readonly intervals: { readonly expected: number; readonly present: number } | null;
  readonly fault: RegisterFault | null;
  /** What the rules say of readings of the month; shown, and not under the hash. */
  readonly findings: readonly Finding[];
  readonly estimate: Estimate | null;
}

/** How good an estimated consumption is. Amounts are those of the consumption, after the multiplier. */
export interface Estimate {
  readonly method: Method;
  /** What it was made from: instants of readings, or revisions such as `m-1/2026-10/2`. */
  readonly inputs: readonly string[];
  readonly low: number;
  readonly high: number;
  /** What the connection can carry in that time; null if its power is not known. */
  readonly cap: number | null;
  /** Time without supply in what was estimated. No use is estimated in it. */
  readonly outageSeconds: number;
}

/** What a recomputation gives again, byte for byte: a pure function of readings, registry and rules. */
export interface SnapshotContent {
  readonly meterId: string;
  readonly usagePointId: string;
  /** Months since year 0: `year * 12 + month - 1`. */
  readonly period: number;
  /** Seconds UTC of the local midnight that ends the period. */
  readonly boundary: number;
  /** Ordered by register and unit; those of one register by time. */
  readonly registers: readonly RegisterSnapshot[];
}

/** One issued revision: appended to the ledger once and never changed. */
export interface Snapshot extends SnapshotContent {
  /** From 1, without gaps. */
  readonly revision: number;
  readonly lifecycle: Lifecycle;
  readonly issuedAtMs: number;
  readonly reason: string;
  /** `sha256:` and 64 hexadecimal digits over `canonicalContent`. */
  readonly hash: string;
}

/** Whether the revision takes the month back (docs/decisions/0014-void-months.md). */
export function isVoid({ registers }: Pick<SnapshotContent, "registers">): boolean {
  return registers[0]?.method === "VOID";
}

/** A month that is taken back: the registers that were issued, none of which has anything to be billed. */
export function voidContent(issued: SnapshotContent): SnapshotContent {
  const { meterId, usagePointId, period, boundary, registers } = issued;
  const last = registers.filter(({ register, unit }, index) => {
    const next = registers[index + 1];
    return next?.register !== register || next.unit !== unit;
  });
  const rows = last.map(({ register, unit }) => ({ ...withoutReadings(register, unit), method: "VOID" as const }));
  return { meterId, usagePointId, period, boundary, registers: rows };
}

/** The usage points to which the rows of a month belong, each once. */
export function pointsOfSnapshot({ usagePointId, registers }: SnapshotContent): readonly string[] {
  const named = registers.flatMap((row) => row.usagePointId ?? []);
  return named.length === 0 ? [usagePointId] : [...new Set([usagePointId, ...named])];
}

/** The public id of a revision, `m-1/2026-10/2`. */
export function snapshotId(snapshot: Pick<Snapshot, "meterId" | "period" | "revision">): string {
  return `${snapshot.meterId}/${periodName(snapshot.period)}/${snapshot.revision}`;
}

/** `YYYY-MM` of a period number. */
export function periodName(period: number): string {
  const year = String(Math.floor(period / 12)).padStart(4, "0");
  return `${year}-${String((period % 12) + 1).padStart(2, "0")}`;
}

/** The period number of `YYYY-MM`; undefined when it is not a month from 2001 to 2099. */
export function parsePeriod(name: string): number | undefined {
  const match = /^(20\d\d)-(0[1-9]|1[0-2])$/.exec(name);
  if (match === null || match[1] === "2000") return undefined;
  return Number(match[1]) * 12 + Number(match[2]) - 1;
}

/** A row of a register of which there is nothing to tell. */
export function withoutReadings(register: string, unit: RegisterSnapshot["unit"]): RowInTheMaking {
  return {
    register,
    usagePointId: null,
    unit,
    value: null,
    valueQuality: "missing",
    opening: null,
    openingBasis: null,
    openingAt: null,
    carried: null,
    from: null,
    to: null,
    consumption: null,
    quality: "missing",
    method: "MISSING",
    origin: null,
    readAt: null,
    before: null,
    after: null,
    intervals: null,
    fault: null,
    findings: noFindings,
    estimate: null,
  };
}

const noFindings: readonly Finding[] = [];

/** Whoever makes a row fills in one object: a close makes a million, and copies of them were most of its garbage. */
export type RowInTheMaking = { -readonly [Field in keyof RegisterSnapshot]: RegisterSnapshot[Field] };

/** Stands for an issued revision that cannot be read: its number is taken, and no content has its hash. */
export function unreadableRevision(key: Pick<Snapshot, "meterId" | "period" | "revision">): Snapshot {
  return {
    ...key,
    usagePointId: key.meterId,
    boundary: 0,
    registers: [],
    lifecycle: "final",
    issuedAtMs: 0,
    reason: "",
    hash: unreadableHash,
  };
}

export const unreadableHash = "";
