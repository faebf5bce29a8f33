import { channelKey, emptyColumns, pushReading, readingAt } from "@meterbook/core/domain/reading/reading";
import type { RegisterSnapshot } from "@meterbook/core/domain/snapshot/snapshot";
import { type LocalCalendar, localCalendar } from "@meterbook/core/domain/time/local-calendar";
import type { KnownMeter } from "@meterbook/core/domain/valuation/known-meter";
import { monthsOf } from "@meterbook/core/domain/valuation/month-content";
import { drawsOf } from "../../../simulators/src/meters/random.ts";
import type { Fault, Place, Planted } from "./planted-faults.ts";
import { faults, nothingWrong } from "./planted-faults.ts";
import type { TrueCurve } from "./true-curves.ts";

export interface FaultScore {
  readonly name: string;
  readonly planted: number;
  /** Of these the month's readings, taken as they are, give more than 1 % more or less than what was used. */
  readonly changing: number;
  /** A rule says so, or the month is right. */
  readonly found: number;
  /** The month is wrong by more than 1 %, and is called actual or derived. */
  readonly missed: number;
}

export interface RuleScore {
  readonly faults: readonly FaultScore[];
  readonly cleanReadings: number;
  readonly falseAlarms: number;
}

/** Each fault in each curve, one at a time, and every curve with nothing wrong in it. */
export function scoreRules(curves: readonly TrueCurve[], period: number, seed: number): RuleScore {
  const scores = faults.map((fault, index) => {
    const cases = curves.map((curve, number) => {
      const place = placeOf(curve, period, drawsOf(seed, index, number));
      return judge(fault, place, rowsOf(curve, fault.plant(place), period));
    });
    const count = (of: (one: (typeof cases)[number]) => boolean) => cases.filter(of).length;
    return {
      name: fault.name,
      planted: cases.length,
      changing: count(({ isChanging }) => isChanging),
      found: count(({ isFound }) => isFound),
      missed: count(({ isMissed }) => isMissed),
    };
  });
  let [cleanReadings, falseAlarms] = [0, 0];
  for (const curve of curves) {
    const planted = nothingWrong.plant(placeOf(curve, period, drawsOf(seed)));
    cleanReadings += planted.readings.length;
    falseAlarms += rowsOf(curve, planted, period).flatMap(({ findings }) => findings).length;
  }
  return { faults: scores, cleanReadings, falseAlarms };
}

function placeOf(curve: TrueCurve, period: number, draw: () => number): Place {
  const calendar = localCalendar(curve.zone);
  const [start, end] = [calendar.startOf(period), calendar.boundaryOf(period)];
  // Two days from either end: what happens there is told by what lies around it.
  const hours = Math.floor((end - start) / 3600) - 96;
  return {
    curve,
    before: calendar.startOf(period - 1),
    start,
    end,
    hour: start + (48 + Math.floor(draw() * hours)) * 3600,
  };
}

/** The rows of the month and of the one before it. */
function rowsOf(curve: TrueCurve, planted: Planted, period: number): RegisterSnapshot[] {
  const calendar: LocalCalendar = localCalendar(curve.zone);
  const months = monthsOf(knownOf(planted), { from: period - 1, to: period }, calendar);
  return months.flatMap(({ registers }) => registers);
}

function knownOf({ readings, record }: Planted): KnownMeter {
  const channels = [...Map.groupBy(readings, ({ channel }) => channelKey(channel)).values()].map((own) => {
    const columns = emptyColumns();
    for (const { at, value, code } of own.toSorted((a, b) => a.at - b.at)) pushReading(columns, at, value, code);
    return { channel: (own[0] as (typeof own)[number]).channel, first: readingAt(columns, 0), readings: columns };
  });
  return { meterId: "m", record, channels };
}

function judge(fault: Fault, place: Place, rows: readonly RegisterSnapshot[]) {
  const { curve, start, end } = place;
  const truth = curve.totalAt(end) - curve.totalAt(start);
  const isWrong = (amount: number | null | undefined) => Math.abs((amount ?? 0) - truth) > truth / 100;
  const row = rows.at(-1);
  const isTold = rows.some(({ findings }) => findings.some(({ rule }) => fault.rules.includes(rule)));
  const isTrusted = row?.quality === "actual" || row?.quality === "derived";
  const isRight = row?.consumption !== null && !isWrong(row?.consumption);
  return {
    isChanging: asTaken(fault.plant(place), place).some(isWrong),
    isFound: fault.rules.length === 0 ? isRight : isTold,
    isMissed: isTrusted && !isRight,
  };
}

/** Amounts that a month might be if nobody judged anything: last reading minus first, and the sum of all rises. */
function asTaken({ readings }: Planted, { start, end }: Place): readonly number[] {
  const within = readings.filter(({ at }) => at >= start && at <= end);
  const registers = within.filter(({ channel }) => channel.kind === "register").map(({ value }) => value);
  if (registers.length === 0) return [within.reduce((sum, { at, value }) => sum + (at > start ? value : 0), 0)];
  const rises = registers.map((value, index) => Math.max(0, value - (registers[index - 1] ?? value)));
  const difference = (registers.at(-1) as number) - (registers[0] as number);
  return [difference, rises.reduce((sum, one) => sum + one, 0)];
}
