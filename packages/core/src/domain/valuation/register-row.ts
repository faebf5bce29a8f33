import type { Span } from "../closing/period-facts.ts";
import { checkedAmount } from "../quantity/amount.ts";
import type { Reading, ReadingSeries } from "../reading/reading.ts";
import { lowerBound, originOf, qualityOf, readingAt } from "../reading/reading.ts";
import type { MeterRecord } from "../registry/meter-record.ts";
import type { RegisterSnapshot, SnapshotQuality } from "../snapshot/snapshot.ts";
import { snapshotQualities, withoutReadings } from "../snapshot/snapshot.ts";
import type { Closing } from "./closing/closing.ts";
import { worseOf } from "./closing/closing.ts";
import { closingAt } from "./closing/closing-at.ts";
import { estimateOf } from "./closing/estimate-of.ts";
import { type Cover, coverIntervals } from "./cover/cover-intervals.ts";
import type { Finding } from "./finding.ts";
import { findingsMax } from "./finding.ts";
import { countedBetween, courseOf } from "./judge/v13-register-decreased.ts";
import { isAboveCeiling } from "./judge/v17-above-ceiling.ts";
import { sumDiffers } from "./judge/v20-sum-check.ts";
import type { RegisterSpec } from "./known-meter.ts";
import type { RegisterLine } from "./line/register-line.ts";
import type { MonthRow } from "./month-row.ts";
import type { ValuationRules } from "./valuation-rules.ts";

/** The closing of the month before, as issued. */
export type IssuedClosing = Pick<RegisterSnapshot, "register" | "unit" | "value" | "valueQuality">;

/** What is known of a register when one of its months is asked for. */
export interface RegisterPast {
  readonly register: string;
  readonly unit: RegisterSnapshot["unit"];
  readonly spec: RegisterSpec;
  readonly line: RegisterLine;
  /** Of the same quantity. */
  readonly intervals: readonly ReadingSeries[];
  readonly findings: readonly Finding[];
  readonly previous: IssuedClosing | undefined;
  readonly record: MeterRecord | undefined;
}

/** One register's row of one month: closing, opening and what lies between. */
export function registerRow(past: RegisterPast, span: Span, rules: ValuationRules): MonthRow {
  const part = partOf(span, past.record);
  const closing = closingAt(past.line, past.intervals, part.to, rules);
  const start = closingAt(past.line, past.intervals, part.from, rules);
  const opening = openingOf(past, span, part, start);
  const findings = past.findings.filter(({ at }) => at > part.from && at <= part.to);
  const cover = past.intervals.length === 0 ? undefined : coverIntervals(past.intervals, part.from, part.to);
  const isWhole = cover !== undefined && cover.absent === 0 && cover.present > 0;
  const base: Base = { past, span, part, opening, findings };
  if (closing === undefined || (closing.method === "FLAT_BETWEEN" && isWhole)) {
    return cover === undefined || cover.present === 0 ? withoutClosing(base) : sumRow(base, cover, rules);
  }
  const counted = countedIn(base, closing, start, rules);
  if (typeof counted.amount === "number" && isWhole && sumDiffers(cover.sum, counted.amount, rules)) {
    findings.push({ rule: "V20", at: part.to });
  }
  return closedRow(base, closing, counted, rules);
}

interface Base {
  readonly past: RegisterPast;
  readonly span: Span;
  readonly part: Part;
  readonly opening: Opening;
  readonly findings: Finding[];
}

/** The part of a month in which the meter was in place. */
interface Part {
  readonly from: number;
  readonly to: number;
}

export function partOf({ start, boundary }: Span, record: MeterRecord | undefined): Part {
  return {
    from: Math.min(boundary, Math.max(start, record?.installed?.at ?? start)),
    to: Math.max(start, Math.min(boundary, record?.removed?.at ?? boundary)),
  };
}

interface Opening {
  readonly value: number | null;
  readonly at: number | null;
  readonly quality: SnapshotQuality;
  readonly basis: MonthRow["openingBasis"];
}

const noOpening: Opening = { value: null, at: null, quality: "missing", basis: null };

/**
 * The closing before, by reference, where it has standing: what that month called suspect or missing is not inherited.
 * Then the installation reading, the line's own value, or the first reading.
 */
function openingOf(
  { previous, line, record, register }: RegisterPast,
  span: Span,
  part: Part,
  start: Closing | undefined,
): Opening {
  if (
    previous !== undefined &&
    previous.value !== null &&
    hasStanding(previous.valueQuality) &&
    part.from === span.start
  ) {
    return { value: previous.value, at: span.start, quality: previous.valueQuality, basis: "previous" };
  }
  const first = firstIn(line, part);
  const installed = record?.installed;
  const installedValue = installed?.values[register];
  if (
    installed !== undefined &&
    installedValue !== undefined &&
    installed.at >= span.start &&
    installed.at <= part.to
  ) {
    return { value: installedValue, at: installed.at, quality: "actual", basis: "installation" };
  }
  const isKnownBefore = (line.at[0] ?? Number.POSITIVE_INFINITY) < part.from || previous !== undefined;
  if (isKnownBefore && start !== undefined && start.value !== null && hasStanding(start.quality)) {
    return { value: start.value, at: part.from, quality: start.quality, basis: "line" };
  }
  if (first === undefined) return noOpening;
  return { value: first.value, at: first.at, quality: qualityOf(first.code), basis: "first-reading" };
}

function firstIn(line: RegisterLine, { from, to }: Part): Reading | undefined {
  const index = lowerBound(line, from);
  return index < line.at.length && (line.at[index] as number) <= to ? readingAt(line, index) : undefined;
}

function hasStanding(quality: SnapshotQuality): boolean {
  return quality === "actual" || quality === "derived" || quality === "estimated";
}

/** What was counted from the opening to the closing, before the multiplier; or why that cannot be told. */
interface Counted {
  readonly amount: number | "register_ran_backwards" | "above_ceiling" | null;
  readonly carried: number | null;
}

function countedIn(
  { past, part, opening }: Base,
  closing: Closing,
  start: Closing | undefined,
  rules: ValuationRules,
): Counted {
  const { line, spec } = past;
  if (closing.total === null || opening.value === null || opening.at === null) return { amount: null, carried: null };
  const isAtStart = opening.basis === "previous" || opening.basis === "line";
  if (isAtStart && start !== undefined && start.total !== null && start.value !== null) {
    const carried = unwrapped(start.value - opening.value, line.modulus);
    if (start.segment !== closing.segment) return { amount: stepFault(line, closing.segment), carried };
    return { amount: bounded(closing.total - start.total + carried), carried };
  }
  const at = { at: opening.at, value: opening.value };
  const from = firstIn(line, { from: opening.at, to: Number.POSITIVE_INFINITY });
  const index = from === undefined ? -1 : lowerBound(line, from.at);
  const carried = isAtStart ? null : 0;
  // Nothing behind the opening: the closing is the opening's own reading, or was counted on from before it.
  if (from === undefined || from.at > part.to + rules.snapSeconds) {
    return { amount: bounded((closing.value as number) - at.value), carried };
  }
  const lead = from.at === at.at ? 0 : countedBetween(at, from, spec, rules);
  if (lead === undefined) {
    const course = courseOf(at, from, spec, rules);
    return { amount: course === "leapt" ? "above_ceiling" : "register_ran_backwards", carried };
  }
  if (line.segment[index] !== closing.segment) return { amount: stepFault(line, closing.segment), carried };
  return { amount: bounded(closing.total - (line.total[index] as number) + lead), carried };
}

function bounded(amount: number): Counted["amount"] {
  return amount < 0 ? "register_ran_backwards" : amount;
}

/** The shorter way round. */
function unwrapped(difference: number, modulus: number | undefined): number {
  if (modulus === undefined || Math.abs(difference) * 2 <= modulus) return difference;
  return difference > 0 ? difference - modulus : difference + modulus;
}

function stepFault({ steps }: RegisterLine, segment: number): "register_ran_backwards" | "above_ceiling" {
  return steps[segment - 1] === "leapt" ? "above_ceiling" : "register_ran_backwards";
}

function closedRow(base: Base, closing: Closing, { amount, carried }: Counted, rules: ValuationRules): MonthRow {
  const { past, part, opening } = base;
  const seconds = part.to - (opening.at ?? part.from);
  const isTooMuch = typeof amount === "number" && isAboveCeiling(amount, seconds, past.spec, rules);
  const consumption = typeof amount === "number" && !isTooMuch ? checkedAmount(amount * past.spec.multiplier) : null;
  const isOutOfRange = closing.value === null || (typeof amount === "number" && consumption === null);
  const fault =
    typeof amount === "string" ? amount : isTooMuch ? "above_ceiling" : isOutOfRange ? "amount_out_of_range" : null;
  return {
    ...frameOf(base),
    value: closing.value,
    valueQuality: closing.quality,
    carried,
    consumption,
    quality:
      fault !== null ? "suspect" : opening.value === null ? "incomplete" : worst(closing.quality, opening.quality),
    method: closing.method,
    origin: originOf(closing.by.code),
    readAt: closing.by.at,
    before: closing.before,
    after: closing.after,
    fault,
    estimate: consumption === null ? null : estimateOf(closing, opening, { ...part, spec: past.spec }, rules),
  };
}

/** `INTERVAL_SUM` of a register of which no reading is near: the month's intervals, counted on from the opening. */
function sumRow(base: Base, cover: Cover, _rules: ValuationRules): MonthRow {
  const { past, opening } = base;
  const isWhole = cover.absent === 0;
  const consumption = checkedAmount(cover.sum * past.spec.multiplier);
  const total = isWhole && opening.value !== null ? checkedAmount(opening.value + cover.sum) : null;
  const shown = total !== null && past.line.modulus !== undefined ? total % past.line.modulus : total;
  const quality = worseOf("derived", cover.worst);
  const known = isWhole ? (opening.value === null ? quality : worst(quality, opening.quality)) : "incomplete";
  return {
    ...frameOf(base),
    value: shown,
    valueQuality: shown === null ? "missing" : quality,
    carried: shown === null ? null : 0,
    consumption,
    quality: consumption === null ? "suspect" : known,
    method: "INTERVAL_SUM",
    origin: "remote",
    readAt: cover.lastAt,
    intervals: { expected: cover.present + cover.absent, present: cover.present },
    fault: consumption === null ? "amount_out_of_range" : null,
  };
}

/** Nothing to close with. Where all that came is suspect the row says so; a value is never made of it. */
function withoutClosing(base: Base): MonthRow {
  const isSuspect = base.findings.some(
    ({ rule }) => rule === "V13" || rule === "V15" || rule === "V17" || rule === "V24",
  );
  if (!isSuspect) return frameOf(base);
  return { ...frameOf(base), valueQuality: "suspect", quality: "suspect", fault: "readings_suspect" };
}

/** What all rows of the register have. */
function frameOf({ past, span, part, opening, findings }: Base): MonthRow {
  const from = opening.at ?? part.from;
  return {
    ...withoutReadings(past.register, past.unit),
    fault: null,
    opening: opening.value,
    openingBasis: opening.basis,
    openingAt: opening.at,
    carried: null,
    from: from === span.start ? null : from,
    to: part.to === span.boundary ? null : part.to,
    findings: findings.slice(0, findingsMax),
    estimate: null,
  };
}

function worst(a: SnapshotQuality, b: SnapshotQuality): SnapshotQuality {
  return rank(a) >= rank(b) ? a : b;
}

/** A quality that only a newer version knows promises nothing. */
function rank(quality: SnapshotQuality): number {
  const index = snapshotQualities.indexOf(quality);
  return index === -1 ? snapshotQualities.length : index;
}
