import type { IntervalFacts, PeriodFacts, RegisterFacts, Span } from "../closing/period-facts.ts";
import { checkedAmount } from "../quantity/amount.ts";
import { qualityOf } from "../reading/reading.ts";
import type { MeterRecord } from "../registry/meter-record.ts";
import type { OpeningBasis, RegisterSnapshot, SnapshotContent, SnapshotQuality } from "./snapshot.ts";
import { snapshotQualities, withoutReadings } from "./snapshot.ts";

/** The closing values of the period before, as issued; what this period opens with. */
export type Closings = readonly Pick<RegisterSnapshot, "register" | "unit" | "value" | "valueQuality">[];

export interface SnapshotInput {
  readonly meterId: string;
  readonly period: number;
  readonly span: Span;
  /** At most one entry per register and unit. */
  readonly facts: readonly PeriodFacts[];
  /** Empty in the meter's first period, and where the period before was never issued. */
  readonly previous: Closings;
  readonly record: MeterRecord | undefined;
  /** There are master data, and they cannot be read: what they would say is not known. */
  readonly recordDamaged?: boolean;
}

/** The snapshot of one meter and period: a pure function of the facts, the closing before and the registry. */
export function composeSnapshot(input: SnapshotInput): SnapshotContent {
  const rows = input.facts.map((facts) =>
    facts.kind === "register" ? registerRow(facts, input) : intervalRow(facts, input),
  );
  for (const expected of input.record?.registers ?? []) {
    if (!rows.some((row) => row.register === expected.register)) rows.push(silentRow(expected, input));
  }
  rows.sort((a, b) => (a.register < b.register ? -1 : a.register > b.register ? 1 : a.unit < b.unit ? -1 : 1));
  return {
    meterId: input.meterId,
    usagePointId: input.record?.usagePointId ?? input.meterId,
    period: input.period,
    boundary: input.span.boundary,
    registers: input.recordDamaged === true ? rows.map(withoutMasterData) : rows,
  };
}

/** By an unknown multiplier, in an unknown zone: what was read is shown, and nothing is made of it. */
function withoutMasterData(row: RegisterSnapshot): RegisterSnapshot {
  if (row.method === "MISSING") return row;
  const valueQuality = row.value === null ? row.valueQuality : "suspect";
  return { ...row, valueQuality, consumption: null, quality: "suspect", fault: "master_data_damaged" };
}

function registerRow(facts: RegisterFacts, input: SnapshotInput): RegisterSnapshot {
  const { closing } = facts;
  const opening = openingOf(facts, input);
  const difference = closing.value === null || opening.value === null ? null : closing.value - opening.value;
  // Only the registry could explain a register that ran backwards, and nothing here may guess.
  const backwards = facts.ranBackwards || (difference !== null && difference < 0);
  const consumption =
    difference === null || backwards ? null : checkedAmount(difference * multiplierOf(facts.register, input.record));
  const lost = difference !== null && !backwards && consumption === null;
  const outOfRange = lost || (closing.value === null && closing.method !== "MISSING");
  const quality = backwards || outOfRange ? "suspect" : rowQuality(closing.value, closing.quality, opening);
  return {
    register: facts.register,
    unit: facts.unit,
    value: closing.value,
    valueQuality: closing.quality,
    opening: opening.value,
    openingBasis: opening.basis,
    consumption,
    quality,
    method: closing.method,
    origin: closing.origin,
    readAt: closing.readAt,
    before: closing.before,
    after: closing.after,
    intervals: null,
    fault: backwards ? "register_ran_backwards" : outOfRange ? "amount_out_of_range" : null,
  };
}

/**
 * Of everything that the row says: where the opening is unknown, a part of it is missing, however good the value is.
 */
function rowQuality(value: number | null, quality: SnapshotQuality, opening: Opening): SnapshotQuality {
  if (value === null) return quality;
  return opening.value === null ? "incomplete" : worst(quality, opening.quality);
}

interface Opening {
  readonly value: number | null;
  readonly quality: SnapshotQuality;
  readonly basis: OpeningBasis | null;
}

/** The closing before, by reference; for a register that is new, its installation reading, else its first reading. */
function openingOf(facts: Pick<RegisterFacts, "register" | "unit" | "first">, input: SnapshotInput): Opening {
  const before = input.previous.find((row) => row.register === facts.register && row.unit === facts.unit);
  if (before !== undefined) return { value: before.value, quality: before.valueQuality, basis: "previous" };
  const installed = input.record?.installed;
  const installedValue = installed?.values[facts.register];
  if (installed !== undefined && installedValue !== undefined && installed.at <= input.span.boundary) {
    return { value: installedValue, quality: "actual", basis: "installation" };
  }
  const { start, boundary } = input.span;
  if (facts.first !== null && facts.first.at >= start && facts.first.at <= boundary) {
    return { value: facts.first.value, quality: qualityOf(facts.first.code), basis: "first-reading" };
  }
  return { value: null, quality: "missing", basis: null };
}

function intervalRow(facts: IntervalFacts, { record }: SnapshotInput): RegisterSnapshot {
  const none = facts.present === 0;
  const consumption = none ? null : checkedAmount(facts.sum * multiplierOf(facts.register, record));
  const outOfRange = !none && consumption === null;
  const known = facts.present < facts.expected ? "incomplete" : facts.quality;
  const quality = none ? "missing" : outOfRange ? "suspect" : known;
  return {
    ...withoutReadings(facts.register, facts.unit),
    consumption,
    quality,
    method: none ? "MISSING" : "INTERVAL_SUM",
    origin: none ? null : "remote",
    readAt: facts.lastAt,
    intervals: { expected: facts.expected, present: facts.present },
    fault: outOfRange ? "amount_out_of_range" : null,
  };
}

/** A register that the registry knows and that never reported. */
function silentRow(
  expected: { register: string; unit: RegisterSnapshot["unit"] },
  input: SnapshotInput,
): RegisterSnapshot {
  const opening = openingOf({ ...expected, first: null }, input);
  return {
    ...withoutReadings(expected.register, expected.unit),
    opening: opening.value,
    openingBasis: opening.basis,
  };
}

function multiplierOf(register: string, record: MeterRecord | undefined): number {
  return record?.registers.find((entry) => entry.register === register)?.multiplier ?? 1;
}

function worst(a: SnapshotQuality, b: SnapshotQuality): SnapshotQuality {
  return rank(a) >= rank(b) ? a : b;
}

/** A quality that only a newer version knows promises nothing. */
function rank(quality: SnapshotQuality): number {
  const index = snapshotQualities.indexOf(quality);
  return index === -1 ? snapshotQualities.length : index;
}
