import { emptyColumns, pushReading, readingAt } from "@meterbook/core/domain/reading/reading";
import type { RegisterSnapshot } from "@meterbook/core/domain/snapshot/snapshot";
import { localCalendar } from "@meterbook/core/domain/time/local-calendar";
import type { KnownChannel } from "@meterbook/core/domain/valuation/known-meter";
import { monthsOf } from "@meterbook/core/domain/valuation/month-content";
import type { TrueCurve } from "./true-curves.ts";

interface NaiveAnswers {
  readonly lastMonth?: number;
  readonly lastYear?: number;
  readonly flat?: number;
  /** The same estimate, of which nobody has told that there was an outage. */
  readonly untold?: number;
  /** What was used between the same two readings, spread evenly. */
  readonly even?: number;
}

/** One month that was estimated although its truth is known. Errors are parts of what was truly used. */
export interface EstimatedCase {
  readonly method: string;
  readonly error: number;
  readonly isCovered: boolean;
  /** Naive answers to the same question; those that could be given. */
  readonly naive: NaiveAnswers;
}

const day = 86_400;
const channel = { register: "1.8.0", kind: "register", unit: "Wh", stepSeconds: 0 } as const;
/** After so many days of the month nothing comes; 0: the whole month is silent. */
const silences = [0, 10, 20] as const;
/** How long a meter is silent around the month's end, in days on either side. */
const gapDays = [1, 4] as const;

/** Every month of a curve, silenced in turn in several ways, with all months before read at their ends. */
export function scoreCurve(curve: TrueCurve): EstimatedCase[] {
  const calendar = localCalendar(curve.zone);
  const first = calendar.periodOf(curve.from) + 1;
  const last = calendar.periodOf(curve.to) - 1;
  const ends = Array.from({ length: last - first + 2 }, (_, index) => calendar.startOf(first + index));
  const used = (period: number) => curve.totalAt(calendar.boundaryOf(period)) - curve.totalAt(calendar.startOf(period));
  const found: EstimatedCase[] = [];
  for (let period = first; period <= last; period += 1) {
    const truth = used(period);
    if (truth <= 0) continue;
    const [start, boundary] = [calendar.startOf(period), calendar.boundaryOf(period)];
    const before = ends.filter((at) => at <= start);
    const naive = naiveAnswers({ first, period, truth, used });
    const readings = [
      ...silences.filter((days) => days > 0 || period > first).map((days) => [...before, ...daily(start, days)]),
      ...gapDays.map((days) => [...before, boundary - days * day, boundary + days * day]),
    ];
    for (const at of readings) {
      const row = rowOf(curve, period, at, undefined);
      if (row !== undefined) found.push(caseOf(row, truth, naive));
    }
    if (period > first) found.push(...darkCases(curve, period, before));
    // A month of each season: its hours are many.
    if (period % 3 === 0) found.push(...likeDays(curve, period, before));
    // Nothing but what is expected of a year is known in the first month.
    if (period === first && last - first >= 12) {
      const year = curve.totalAt(calendar.startOf(first + 12)) - curve.totalAt(start);
      const row = rowOf(curve, period, [start], year);
      if (row !== undefined) found.push(caseOf(row, truth, {}));
    }
  }
  return found;
}

/** Hours from the month's begin to the outage, and how long it lasted: one within the month, one over its end. */
const outageHours = [
  { after: 100, of: 72 },
  { after: 650, of: 120 },
] as const;

/** The same month with an outage that is told: nothing follows it, or a reading soon behind both its ends. */
function darkCases(curve: TrueCurve, period: number, before: readonly number[]): EstimatedCase[] {
  const calendar = localCalendar(curve.zone);
  const [start, boundary] = [calendar.startOf(period), calendar.boundaryOf(period)];
  return outageHours.flatMap(({ after, of }) => {
    const outage = { from: start + after * 3600, to: start + (after + of) * 3600 };
    const dark = { ...curve, totalAt: withoutUse(curve, outage) };
    const truth = dark.totalAt(boundary) - dark.totalAt(start);
    if (truth <= 0) return [];
    const later = [boundary - 6 * day, boundary + 6 * day];
    return [before, [...before, ...later]].flatMap((at) => {
      const told = rowOf(dark, period, at, undefined, [outage]);
      const untold = rowOf(dark, period, at, undefined);
      if (told === undefined || untold === undefined || told.estimate?.outageSeconds === 0) return [];
      const error = ((untold.consumption ?? 0) - truth) / truth;
      const own = caseOf(told, truth, { untold: error });
      return [{ ...own, method: `${own.method} with an outage` }];
    });
  });
}

/** The last reading so long before the month's end, and the next so long behind it, in hours. */
const sharedHours = [
  { before: 24, after: 24 },
  { before: 96, after: 96 },
  { before: 30, after: 10 },
  { before: 6, after: 18 },
  { before: 14, after: 60 },
] as const;
const hour = 3600;
const hourly = { register: "1.8.0", kind: "interval", unit: "Wh", stepSeconds: hour } as const;

/** Hours are there up to a reading before the month's end, and what follows is known as a sum only. */
function likeDays(curve: TrueCurve, period: number, ends: readonly number[]): EstimatedCase[] {
  const calendar = localCalendar(curve.zone);
  const boundary = calendar.boundaryOf(period);
  const truth = curve.totalAt(boundary) - curve.totalAt(calendar.startOf(period));
  return sharedHours.flatMap(({ before, after }) => {
    const around = [boundary - before * hour, boundary + after * hour] as const;
    const known = [...ends.slice(-1), ...around];
    const hours = emptyColumns();
    for (let at = Math.max(curve.from, boundary - 40 * day) + hour; at <= around[0]; at += hour)
      pushReading(hours, at, curve.totalAt(at) - curve.totalAt(at - hour), 0);
    const channels = [{ channel: hourly, first: readingAt(hours, 0), readings: hours }];
    const row = rowOf(curve, period, known, undefined, undefined, channels);
    const even = rowOf(curve, period, known, undefined);
    if (row === undefined || even === undefined || row.method !== "PROFILE_SCALED") return [];
    return [caseOf(row, truth, { even: ((even.consumption ?? 0) - truth) / truth })];
  });
}

function withoutUse(curve: TrueCurve, { from, to }: { readonly from: number; readonly to: number }) {
  return (at: number) => curve.totalAt(at) - (at <= from ? 0 : curve.totalAt(Math.min(at, to)) - curve.totalAt(from));
}

function daily(start: number, days: number): number[] {
  return Array.from({ length: days }, (_, index) => start + (index + 1) * day);
}

function rowOf(
  curve: TrueCurve,
  period: number,
  instants: readonly number[],
  annualUse: number | undefined,
  outages?: readonly { readonly from: number; readonly to: number }[],
  more: readonly KnownChannel[] = [],
): RegisterSnapshot | undefined {
  const readings = emptyColumns();
  for (const at of [...new Set(instants)]) pushReading(readings, at, curve.totalAt(at), 0);
  if (readings.at.length === 0) return undefined;
  const calendar = localCalendar(curve.zone);
  const registers = annualUse === undefined ? [] : [{ register: "1.8.0", unit: "Wh" as const, annualUse }];
  const isBare = annualUse === undefined && outages === undefined;
  const record = isBare ? undefined : { meterId: "m", usagePointId: "m", registers, ...(outages && { outages }) };
  const known = { meterId: "m", record, channels: [{ channel, first: readingAt(readings, 0), readings }, ...more] };
  const from = calendar.periodOf(instants[0] as number);
  const row = monthsOf(known, { from, to: period }, calendar).at(-1)?.registers[0];
  return row?.estimate === null ? undefined : row;
}

function caseOf(
  { method, consumption, estimate }: RegisterSnapshot,
  truth: number,
  naive: NaiveAnswers,
): EstimatedCase {
  const isCovered = estimate !== null && estimate.low <= truth && truth <= estimate.high;
  return { method, error: ((consumption ?? 0) - truth) / truth, isCovered, naive };
}

interface NaiveOf {
  readonly first: number;
  readonly period: number;
  readonly truth: number;
  readonly used: (period: number) => number;
}

/** Last month again, the same month of last year again, and all that was ever used spread evenly. */
function naiveAnswers({ first, period, truth, used }: NaiveOf): NaiveAnswers {
  const months = Array.from({ length: period - first }, (_, index) => used(first + index));
  const error = (answer: number) => (answer - truth) / truth;
  const mean = months.reduce((sum, one) => sum + one, 0) / months.length;
  return {
    ...(months.length > 0 ? { lastMonth: error(months.at(-1) as number), flat: error(mean) } : {}),
    ...(months.length >= 12 ? { lastYear: error(months.at(-12) as number) } : {}),
  };
}

export interface MethodScore {
  readonly method: string;
  readonly count: number;
  /** In percent of what was used. */
  readonly median: number;
  readonly p90: number;
  readonly bias: number;
  readonly covered: number;
  readonly naive: { readonly [Name in keyof NaiveAnswers]: number | undefined };
}

export function scoreMethods(cases: readonly EstimatedCase[]): MethodScore[] {
  const byMethod = Map.groupBy(cases, ({ method }) => method);
  return [...byMethod]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([method, own]) => {
      const sizes = own.map(({ error }) => Math.abs(error));
      const median = (name: keyof NaiveAnswers) =>
        percent(
          quantile(
            own.flatMap(({ naive }) => (naive[name] === undefined ? [] : [Math.abs(naive[name])])),
            0.5,
          ),
        );
      return {
        method,
        count: own.length,
        median: percent(quantile(sizes, 0.5)) ?? Number.NaN,
        p90: percent(quantile(sizes, 0.9)) ?? Number.NaN,
        bias: (own.reduce((sum, { error }) => sum + error, 0) / own.length) * 100,
        covered: (own.filter(({ isCovered }) => isCovered).length / own.length) * 100,
        naive: {
          lastMonth: median("lastMonth"),
          lastYear: median("lastYear"),
          flat: median("flat"),
          untold: median("untold"),
          even: median("even"),
        },
      };
    });
}

function percent(part: number | undefined): number | undefined {
  return part === undefined ? undefined : part * 100;
}

function quantile(values: readonly number[], part: number): number | undefined {
  return values.toSorted((a, b) => a - b)[Math.min(values.length - 1, Math.floor(values.length * part))];
}
