import { checkedAmount } from "../quantity/amount.ts";
import type { Reading, ReadingSeries } from "../reading/reading.ts";
import { lowerBound, originOf, readingAt } from "../reading/reading.ts";
import type { MeterRecord } from "../registry/meter-record.ts";
import type { Finding } from "../snapshot/finding.ts";
import { findingsWithin, isDoubt } from "../snapshot/finding.ts";
import type { RegisterSnapshot, RowInTheMaking } from "../snapshot/snapshot.ts";
import { withoutReadings } from "../snapshot/snapshot.ts";
import type { Closing } from "./closing/closing.ts";
import { isShared, worseOf } from "./closing/closing.ts";
import { closingAt, neighboursOf } from "./closing/closing-at.ts";
import { countedBack } from "./closing/counted-back.ts";
import { estimateOf } from "./closing/estimate-of.ts";
import type { Counted } from "./counted.ts";
import { countedOf } from "./counted.ts";
import type { Cover } from "./cover/cover-intervals.ts";
import { worstOfCover } from "./cover/cover-intervals.ts";
import type { OneSided } from "./estimation/carried-on.ts";
import { carriedOn } from "./estimation/carried-on.ts";
import { darkIntervals } from "./estimation/dark-intervals.ts";
import { isAboveCeiling } from "./judge/v17-above-ceiling.ts";
import { sumDiffers } from "./judge/v20-sum-check.ts";
import type { RegisterSpec } from "./known-meter.ts";
import type { RegisterLine } from "./line/register-line.ts";
import type { IssuedClosing, Part, Span } from "./month.ts";
import { partOf } from "./month.ts";
import type { Opening } from "./opening.ts";
import { openingOf } from "./opening.ts";
import { worstOf } from "./row-quality.ts";
import type { ValuationRules } from "./valuation-rules.ts";

/**
 * What is known of a register when one of its months is asked for: all of it, or as much as memory has of a tidy one.
 */
export interface RegisterPast {
  readonly register: string;
  readonly unit: RegisterSnapshot["unit"];
  readonly spec: RegisterSpec;
  readonly record: MeterRecord | undefined;
  readonly line: RegisterLine;
  readonly findings: readonly Finding[];
  /** Of the same quantity; those that a closing can be made from. */
  readonly intervals: readonly ReadingSeries[];
  /** What the intervals of the month add up to; undefined where the quantity has none. */
  readonly cover: Cover | undefined;
  readonly previous: IssuedClosing | undefined;
  /**
   * `complete`: the line tells all months. `around the closing`: the readings on both sides of the month's end are all
   * of the line, the month opens as the one before was issued, and `first` is the channel's first reading.
   */
  readonly reach: "complete" | { readonly first: Reading };
  /** Times without supply, ascending; none touches another. */
  readonly outages?: readonly Part[] | undefined;
  /** What a month is estimated from that nothing follows; undefined where it was not looked up. */
  readonly past?: EstimatedFrom | undefined;
  /** The part of the month that the row is of; undefined where the record tells. */
  readonly place?: RowPlace | undefined;
}

export interface RowPlace {
  readonly part: Part;
  /** What the register showed when it was installed, where that may open the part. */
  readonly installed: { readonly at: number; readonly value: number } | undefined;
  /** The part goes on from another one of the same month, whose closing is `previous`. */
  readonly isCut: boolean;
}

export type EstimatedFrom = Pick<OneSided, "period" | "history" | "outages">;

/** One register's row of one month: closing, opening and what lies between. */
export function registerRow(past: RegisterPast, span: Span, rules: ValuationRules): RegisterSnapshot {
  const part = past.place?.part ?? partOf(span, past.record);
  const closing = closingAt(past.line, past.intervals, { boundary: part.to, outages: past.outages }, rules);
  const base = { past, span, part, ...opened(past, span, part, rules) };
  const { cover } = past;
  const isWhole = cover !== undefined && cover.absent === 0 && cover.present > 0;
  if (closing === undefined || (isShared(closing) && isWhole)) {
    return cover === undefined || cover.present === 0 ? withoutClosing(base, rules) : sumRow(base, cover);
  }
  const { line, spec } = past;
  const counted = countedOf({ line, spec, closing, to: part.to, ...base }, rules);
  const differs = typeof counted.amount === "number" && isWhole && sumDiffers(cover.sum, counted.amount, rules);
  const row = closedRow(base, closing, counted, rules);
  return differs ? { ...row, findings: [...row.findings, { rule: "V20", at: part.to }] } : row;
}

interface Base {
  readonly past: RegisterPast;
  readonly span: Span;
  readonly part: Part;
  readonly opening: Opening;
  readonly start: Closing | "as issued" | undefined;
  readonly first: Reading | undefined;
}

function opened(past: RegisterPast, span: Span, part: Part, rules: ValuationRules) {
  const { line, previous, record, register, reach, place } = past;
  const installed = place === undefined ? installedAs(record, register) : place.installed;
  if (reach !== "complete") {
    const { first } = reach;
    const openings = { span, part, previous, installed, start: undefined, first, hasPast: false };
    return { opening: openingOf(openings, rules), start: "as issued" as const, first };
  }
  const first = firstFrom(line, part.from);
  const known = closingAt(line, past.intervals, { boundary: part.from, outages: past.outages }, rules);
  const start = known ?? countedBack(line, past.intervals, part.from, rules);
  const isCountedBack = known === undefined && start !== undefined;
  const hasPast = previous !== undefined || isCountedBack || hasBefore(line, part.from, rules);
  const isCut = place?.isCut === true;
  const opening = openingOf({ span, part, previous, isCut, installed, start, first, hasPast }, rules);
  return { opening, start, first: firstFrom(line, opening.at ?? part.from) };
}

export function installedAs(record: MeterRecord | undefined, register: string): RowPlace["installed"] {
  const at = record?.installed?.at;
  const value = record?.installed?.values[register];
  return at === undefined || value === undefined ? undefined : { at, value };
}

/** Whether the line has readings from before, as far as readings say anything. */
function hasBefore(line: RegisterLine, from: number, { betweenSecondsMax }: ValuationRules): boolean {
  const last = lowerBound(line, from) - 1;
  return last >= 0 && (line.at[last] as number) >= from - betweenSecondsMax;
}

function firstFrom(line: RegisterLine, from: number): Reading | undefined {
  const index = lowerBound(line, from);
  return index < line.at.length ? readingAt(line, index) : undefined;
}

function closedRow(
  base: Base,
  closing: Closing,
  { amount, carried }: Counted,
  rules: ValuationRules,
): RegisterSnapshot {
  const { past, part, opening } = base;
  const seconds = part.to - (opening.at ?? part.from);
  const isTooMuch = typeof amount === "number" && isAboveCeiling(amount, seconds, past.spec, rules);
  const consumption = typeof amount === "number" && !isTooMuch ? checkedAmount(amount * past.spec.multiplier) : null;
  const isOutOfRange = closing.value === null || (typeof amount === "number" && consumption === null);
  const beyond = isTooMuch ? "above_ceiling" : isOutOfRange ? "amount_out_of_range" : null;
  const fault = typeof amount === "string" ? amount : beyond;
  const quality = opening.value === null ? "incomplete" : worstOf(closing.quality, opening.quality);
  const row = frameOf(base);
  row.value = closing.value;
  row.valueQuality = closing.quality;
  row.carried = carried;
  row.consumption = consumption;
  row.quality = fault === null ? quality : "suspect";
  row.method = closing.method;
  row.origin = originOf(closing.by.code);
  row.readAt = closing.by.at;
  row.before = closing.before;
  row.after = closing.after;
  row.fault = fault;
  row.estimate = consumption === null ? null : estimateOf(closing, opening, part, past);
  return row;
}

/** `INTERVAL_SUM` of a register of which no reading is near: the month's intervals, counted on from the opening. */
function sumRow(base: Base, cover: Cover): RegisterSnapshot {
  const { past, part, opening } = base;
  const isWhole = cover.absent === 0;
  const consumption = checkedAmount(cover.sum * past.spec.multiplier);
  const total = isWhole && opening.value !== null ? checkedAmount(opening.value + cover.sum) : null;
  const shown = total !== null && past.line.modulus !== undefined ? total % past.line.modulus : total;
  const quality = worseOf("derived", worstOfCover(cover));
  const ofWhole = opening.value === null ? quality : worstOf(quality, opening.quality);
  return {
    ...frameOf(base),
    value: shown,
    valueQuality: shown === null ? "missing" : quality,
    carried: shown === null ? null : 0,
    consumption,
    quality: consumption === null ? "suspect" : isWhole ? ofWhole : "incomplete",
    method: "INTERVAL_SUM",
    origin: "remote",
    readAt: cover.lastAt,
    intervals: { expected: cover.present + cover.absent + cover.dark, present: cover.present },
    fault: consumption === null ? "amount_out_of_range" : null,
    estimate: darkIntervals(cover, consumption, { spec: past.spec, part, outages: past.outages ?? [] }),
  };
}

/**
 * Nothing to close with: estimated from the last credible reading and what is used. What is suspect takes no part in
 * that; where all that came lately is suspect, the row says so, and no value is made of it.
 */
function withoutClosing(base: Base, rules: ValuationRules): RegisterSnapshot {
  const { line } = base.past;
  const row = { ...frameOf(base), ...neighboursOf(line, base.part.to, rules) };
  if (!row.findings.some(({ rule }) => isDoubt(rule))) return estimated(base, row, rules) ?? row;
  const made = row.before === null ? undefined : estimated(base, row, rules);
  if (made !== undefined && made.consumption !== null) return made;
  return { ...row, valueQuality: "suspect", quality: "suspect", fault: "readings_suspect" };
}

function estimated({ past, part, opening }: Base, frame: RegisterSnapshot, rules: ValuationRules) {
  const { line, spec } = past;
  return past.past === undefined ? undefined : carriedOn({ ...past.past, frame, line, spec, opening, part }, rules);
}

/** What all rows of the register have. */
function frameOf({ past, span, part, opening }: Base): RowInTheMaking {
  const from = opening.at ?? part.from;
  const row = withoutReadings(past.register, past.unit);
  row.opening = opening.value;
  row.openingBasis = opening.basis;
  row.openingAt = opening.at;
  row.from = from === span.start ? null : from;
  row.to = part.to === span.boundary ? null : part.to;
  row.findings = findingsWithin(past.findings, part);
  return row;
}
