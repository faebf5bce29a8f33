import { checkedAmount } from "../../quantity/amount.ts";
import { lowerBound } from "../../reading/reading.ts";
import type { Estimate, RegisterSnapshot } from "../../snapshot/snapshot.ts";
import { secondsWithin } from "../../time/stretches.ts";
import { evidenceOf } from "../closing/closing.ts";
import { amountOf } from "../closing/estimate-of.ts";
import { countedOf } from "../counted.ts";
import type { RegisterSpec } from "../known-meter.ts";
import type { RegisterLine } from "../line/register-line.ts";
import type { Part } from "../month.ts";
import type { Opening } from "../opening.ts";
import { hasStanding, worstOf } from "../row-quality.ts";
import type { ValuationRules } from "../valuation-rules.ts";
import type { DailyUse } from "./daily-use.ts";
import { dailyUse, usedIn } from "./daily-use.ts";
import { estimateBand } from "./estimate-band.ts";
import type { PastMonth } from "./past-month.ts";
import { silentSince, wasRead } from "./past-month.ts";
import { prolonged } from "./v29-prolonged.ts";

/** What is known of a register of which no reading follows the month. */
export interface OneSided {
  /** Opening, place and findings of the row. */
  readonly frame: RegisterSnapshot;
  readonly line: RegisterLine;
  readonly spec: RegisterSpec;
  readonly opening: Opening;
  readonly part: Part;
  readonly period: number;
  /** Of this register. */
  readonly history: readonly PastMonth[];
  readonly outages: readonly Part[];
}

interface Anchor {
  readonly at: number;
  readonly value: number;
  readonly code: number;
  readonly total: number;
  readonly segment: number;
}

/**
 * `ADU_PRIOR_YEAR`, `ADU_PRIOR_PERIOD`, `ANNUAL_EXPECTED`: the last reading, and average daily use from there to the
 * month's end. Undefined where nothing is known of the use, or the last reading lies too far back.
 */
export function carriedOn(of: OneSided, rules: ValuationRules): RegisterSnapshot | undefined {
  const anchor = lastAnchor(of, rules);
  if (anchor === undefined) return expectedOnly(of, rules);
  const counted = countedSince(of, anchor, rules);
  if (typeof counted === "string") return { ...of.frame, ...besideOf(anchor), quality: "suspect", fault: counted };
  const { spec, part, outages } = of;
  const isAfterOpening = of.opening.at !== null && anchor.at > of.opening.at;
  const known =
    isAfterOpening && of.opening.at !== null && hasStanding(of.opening.quality) && of.opening.quality !== "estimated"
      ? { amount: counted * spec.multiplier, from: of.opening.at, to: anchor.at }
      : undefined;
  const use = dailyUse({ ...of, known, annualUse: spec.annualUse }, rules);
  if (use === undefined) return undefined;
  const opening = of.opening.value === null ? carriedOpening(of, anchor, use) : of.opening;
  const since = isAfterOpening ? anchor.at : (opening.at ?? part.from);
  const more = boundedUse(use, { from: since, to: part.to, outages }, spec);
  const value = (isAfterOpening ? anchor.value : (opening.value ?? 0)) + more;
  const frame = of.opening.value === null ? { ...of.frame, ...openedBy(opening) } : of.frame;
  return estimatedRow(
    { ...of, frame, opening },
    { use, known: counted, more, since, value: wrapped(value, spec), anchor },
  );
}

/** The last credible reading up to the month's end, unless it lies too far back. */
function lastAnchor({ line, part }: OneSided, { reachSecondsMax }: ValuationRules): Anchor | undefined {
  const index = lowerBound(line, part.to + 1) - 1;
  const at = line.at[index];
  if (at === undefined || part.to - at > reachSecondsMax) return undefined;
  const [value, code] = [line.value[index] as number, line.code[index] as number];
  return { at, value, code, total: line.total[index] as number, segment: line.segment[index] as number };
}

/** What the register has counted from the opening to its last reading; 0 if the opening is later. */
function countedSince({ line, spec, opening, part }: OneSided, anchor: Anchor, rules: ValuationRules) {
  if (opening.at === null || opening.value === null || anchor.at <= opening.at) return 0;
  const first = lowerBound(line, opening.at);
  if (line.at[first] === opening.at && line.value[first] === opening.value) {
    const [segment, total] = [line.segment[first] as number, line.total[first] as number];
    if (segment === anchor.segment) return anchor.total - total;
  }
  const reading = {
    at: line.at[first] as number,
    value: line.value[first] as number,
    code: line.code[first] as number,
  };
  const closing = {
    ...anchor,
    quality: "estimated" as const,
    method: "EXACT" as const,
    by: anchor,
    before: null,
    after: null,
  };
  const { amount } = countedOf({ line, spec, opening, closing, start: undefined, first: reading, to: part.to }, rules);
  return amount ?? ("register_ran_backwards" as const);
}

/** The month before has no value: its end is carried on from the same reading. */
function carriedOpening({ part, spec, outages }: OneSided, anchor: Anchor, { rate }: DailyUse): Opening {
  if (anchor.at > part.from) return { value: anchor.value, at: anchor.at, quality: "estimated", basis: "line" };
  const active = part.from - anchor.at - secondsWithin(outages, { from: anchor.at, to: part.from });
  const value = wrapped(anchor.value + usedIn(rate, active, spec.multiplier), spec);
  return { value, at: part.from, quality: "estimated", basis: "line" };
}

function openedBy({ value, at, basis }: Opening) {
  return { opening: value, openingAt: at, openingBasis: basis };
}

/** No more than the connection can carry. */
function boundedUse(
  { rate }: DailyUse,
  { from, to, outages }: Part & { readonly outages: readonly Part[] },
  { multiplier, hourlyMax }: RegisterSpec,
): number {
  const active = to - from - secondsWithin(outages, { from, to });
  const most = hourlyMax === undefined ? Number.POSITIVE_INFINITY : Math.floor((hourlyMax * active) / 3600);
  return Math.min(usedIn(rate, active, multiplier), most);
}

function wrapped(value: number, { modulus }: RegisterSpec): number {
  return modulus === undefined ? value : value % modulus;
}

function besideOf(anchor: Anchor) {
  return { readAt: anchor.at, before: evidenceOf(anchor) };
}

interface Made {
  readonly use: DailyUse;
  /** Counted in the month, before the multiplier. */
  readonly known: number;
  /** Estimated on top of it. */
  readonly more: number;
  readonly since: number;
  readonly value: number | null;
  readonly anchor: Anchor | undefined;
}

function estimatedRow({ frame, spec, opening, part, outages }: Omit<OneSided, "line">, made: Made): RegisterSnapshot {
  const { use, known, more, since, anchor } = made;
  const consumption = checkedAmount((known + more) * spec.multiplier);
  const value = made.value === null ? null : checkedAmount(made.value);
  const isWhole = consumption !== null && (made.value === null || value !== null);
  const quality = opening.value === null ? "estimated" : worstOf("estimated", opening.quality);
  return {
    ...frame,
    ...(anchor === undefined ? {} : besideOf(anchor)),
    value,
    valueQuality: value === null ? "missing" : "estimated",
    consumption: isWhole ? consumption : null,
    quality: isWhole ? quality : "suspect",
    method: use.method,
    origin: "estimator",
    fault: isWhole ? null : "amount_out_of_range",
    findings: prolonged(frame.findings, { last: anchor?.at, at: part.to }),
    estimate: isWhole ? bandOf({ use, known, more, spec, from: opening.at ?? part.from, since, part, outages }) : null,
  };
}

interface BandOf {
  readonly use: DailyUse;
  readonly known: number;
  readonly more: number;
  readonly spec: RegisterSpec;
  readonly from: number;
  readonly since: number;
  readonly part: Part;
  readonly outages: readonly Part[];
}

function bandOf({ use, known, more, spec, from, since, part, outages }: BandOf): Estimate {
  const { multiplier, hourlyMax } = spec;
  // Infinity times no time at all is not a number.
  const carried = (seconds: number) =>
    hourlyMax === undefined ? Number.POSITIVE_INFINITY : (hourlyMax * seconds * multiplier) / 3600;
  const dark = secondsWithin(outages, { from: since, to: part.to });
  const band = estimateBand(use.method, more * multiplier, carried(part.to - since - dark));
  const cap = hourlyMax === undefined ? null : Math.ceil(carried(part.to - from));
  return {
    method: use.method,
    inputs: use.inputs,
    low: amountOf(known * multiplier + band.low),
    high: amountOf(known * multiplier + band.high),
    cap: cap === null ? null : amountOf(cap),
    outageSeconds: dark,
  };
}

/** Nothing was ever read: what is expected of a year, in the month's time. There is no register value. */
function expectedOnly(of: OneSided, rules: ValuationRules): RegisterSnapshot | undefined {
  const { spec, part, outages, history } = of;
  const said = (row: RegisterSnapshot) => ({ ...row, findings: prolonged(row.findings, silence(of)) });
  if (lowerBound(of.line, part.to + 1) > 0 || wasRead(history)) return said(of.frame);
  if (spec.annualUse === undefined || part.to <= part.from) return undefined;
  const use = dailyUse({ ...of, history: [], known: undefined, annualUse: spec.annualUse }, rules);
  if (use === undefined) return undefined;
  const more = boundedUse(use, { ...part, outages }, spec);
  return said(estimatedRow(of, { use, known: 0, more, since: part.from, value: null, anchor: undefined }));
}

/** How long nothing was read when the month ends: what the line has, and what earlier months were made from. */
function silence({ line, history, part }: Pick<OneSided, "history" | "part"> & { readonly line?: RegisterLine }) {
  const onLine = line?.at[lowerBound(line, part.to + 1) - 1];
  const since = Math.max(onLine ?? Number.NEGATIVE_INFINITY, silentSince(history) ?? Number.NEGATIVE_INFINITY);
  return { last: Number.isFinite(since) ? since : part.from, at: part.to };
}

/** A month of a quantity that comes as intervals, of which none came: daily use alone, and no register value. */
export function withoutIntervals(
  of: Omit<OneSided, "line" | "opening">,
  rules: ValuationRules,
): RegisterSnapshot | undefined {
  const { spec, part, outages, history } = of;
  const silent = silence(of);
  const said = (row: RegisterSnapshot) => ({ ...row, findings: prolonged(row.findings, silent) });
  if (wasRead(history) && silent.at - silent.last > rules.reachSecondsMax) return said(of.frame);
  const use = dailyUse({ ...of, known: undefined, annualUse: spec.annualUse }, rules);
  if (use === undefined || part.to <= part.from) return undefined;
  const more = boundedUse(use, { ...part, outages }, spec);
  const opening = { value: null, at: null, quality: "missing" as const, basis: null };
  return said(
    estimatedRow({ ...of, opening }, { use, known: 0, more, since: part.from, value: null, anchor: undefined }),
  );
}
