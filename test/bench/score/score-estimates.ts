import { emptyColumns, pushReading, readingAt } from "@meterbook/core/domain/reading/reading";
import type { RegisterSnapshot } from "@meterbook/core/domain/snapshot/snapshot";
import { localCalendar } from "@meterbook/core/domain/time/local-calendar";
import { monthsOf } from "@meterbook/core/domain/valuation/month-content";
import type { TrueCurve } from "./true-curves.ts";

/** One month that was estimated although its truth is known. Errors are parts of what was truly used. */
export interface EstimatedCase {
  readonly method: string;
  readonly error: number;
  readonly isCovered: boolean;
  /** Naive answers to the same question; those that could be given. */
  readonly naive: { readonly lastMonth?: number; readonly lastYear?: number; readonly flat?: number };
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
    // Nothing but what is expected of a year is known in the first month.
    if (period === first && last - first >= 12) {
      const year = curve.totalAt(calendar.startOf(first + 12)) - curve.totalAt(start);
      const row = rowOf(curve, period, [start], year);
      if (row !== undefined) found.push(caseOf(row, truth, {}));
    }
  }
  return found;
}

function daily(start: number, days: number): number[] {
  return Array.from({ length: days }, (_, index) => start + (index + 1) * day);
}

function rowOf(
  curve: TrueCurve,
  period: number,
  instants: readonly number[],
  annualUse: number | undefined,
): RegisterSnapshot | undefined {
  const readings = emptyColumns();
  for (const at of [...new Set(instants)]) pushReading(readings, at, curve.totalAt(at), 0);
  if (readings.at.length === 0) return undefined;
  const calendar = localCalendar(curve.zone);
  const record =
    annualUse === undefined
      ? undefined
      : { meterId: "m", usagePointId: "m", registers: [{ register: "1.8.0", unit: "Wh" as const, annualUse }] };
  const known = { meterId: "m", record, channels: [{ channel, first: readingAt(readings, 0), readings }] };
  const from = calendar.periodOf(instants[0] as number);
  const row = monthsOf(known, { from, to: period }, calendar).at(-1)?.registers[0];
  return row?.estimate === null ? undefined : row;
}

function caseOf(
  { method, consumption, estimate }: RegisterSnapshot,
  truth: number,
  naive: EstimatedCase["naive"],
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
function naiveAnswers({ first, period, truth, used }: NaiveOf): EstimatedCase["naive"] {
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
  readonly naive: { readonly [Name in keyof EstimatedCase["naive"]]: number | undefined };
}

export function scoreMethods(cases: readonly EstimatedCase[]): MethodScore[] {
  const byMethod = Map.groupBy(cases, ({ method }) => method);
  return [...byMethod].sort().map(([method, own]) => {
    const sizes = own.map(({ error }) => Math.abs(error));
    const median = (name: keyof EstimatedCase["naive"]) =>
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
      naive: { lastMonth: median("lastMonth"), lastYear: median("lastYear"), flat: median("flat") },
    };
  });
}

function percent(part: number | undefined): number | undefined {
  return part === undefined ? undefined : part * 100;
}

function quantile(values: readonly number[], part: number): number | undefined {
  return values.toSorted((a, b) => a - b)[Math.min(values.length - 1, Math.floor(values.length * part))];
}
