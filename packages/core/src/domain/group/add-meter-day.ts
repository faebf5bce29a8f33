import type { CurvePoint } from "../curve/consumption-curve.ts";
import { registerCurve } from "../curve/consumption-curve.ts";
import { haveOverlap, intervalCurve, intervalsOf } from "../curve/interval-curve.ts";
import type { BaseUnit, Channel, Columns, ReadingSeries } from "../reading/reading.ts";
import { lowerBound, qualityIndexOf, readingQualities } from "../reading/reading.ts";
import { multiplierAt } from "../registry/installations.ts";
import type { MeterRecord, RegisteredRegister } from "../registry/meter-record.ts";
import { addStep, type DayEdges, type RegisterDay, type StepSums, sumResolutions } from "./day-sums.ts";

/** A meter as it is summed: all its channels, whether or not the day has readings of them. */
export interface SummedMeter {
  readonly channels: readonly Channel[];
  readonly record: Pick<MeterRecord, "registers"> | undefined;
}

/** Where a register of the meter is added: one `RegisterDay` for each group that it is in. */
export type RegisterDays = (register: string, unit: BaseUnit) => readonly RegisterDay[];

const suspect = readingQualities.indexOf("suspect");

/**
 * Adds what a meter's curves say of a day, step by step, the same as its own curve does. Where intervals overlap, that
 * depends on what else the month has: then nothing is added, and it is for `addOverlappingDay` to do.
 *
 * @param series the day's readings, both midnights among them
 */
export function addMeterDay(
  meter: SummedMeter,
  series: readonly ReadingSeries[],
  day: DayEdges,
  into: RegisterDays,
): "added" | "overlaps" {
  const registers = registersOf(meter);
  const found = registers.map((one) => ({ ...one, series: series.filter((some) => isOf(one, some.channel)) }));
  if (found.some((one) => one.kind === "interval" && haveOverlap(one.series))) return "overlaps";
  for (const one of found) addRegister(one, day, into(one.register, one.unit));
  return "added";
}

/** The same of a meter whose intervals overlap, from all readings of the month, both of its midnights among them. */
export function addOverlappingDay(
  meter: SummedMeter,
  month: { readonly start: number; readonly series: readonly ReadingSeries[] },
  day: DayEdges,
  into: RegisterDays,
): void {
  for (const one of registersOf(meter)) {
    const all = month.series.filter((some) => isOf(one, some.channel));
    const days = into(one.register, one.unit);
    if (one.kind === "register") {
      addRegister({ ...one, series: all.map((some) => within(some, day)) }, day, days);
      continue;
    }
    for (const target of days) target.expected += 1;
    const chosen = intervalsOf(all.map((some) => within(some, { day: month.start, end: Number.MAX_SAFE_INTEGER }, 1)));
    const inside = chosen.to.flatMap((at, i) => (at > day.day && at <= day.end ? [i] : []));
    const pick = (column: readonly number[]) => inside.map((i) => column[i] as number);
    const intervals = {
      ...{ from: pick(chosen.from), to: pick(chosen.to), value: pick(chosen.value), code: pick(chosen.code) },
      stepSeconds: chosen.stepSeconds,
    };
    addPoints((edges) => intervalCurve(intervals, edges, one.multiplier(day)), day, days);
  }
}

interface SummedRegister {
  readonly register: string;
  readonly unit: BaseUnit;
  readonly kind: Channel["kind"] | undefined;
  multiplier(day: DayEdges): number;
}

/** As the curve chooses: intervals where there are any, in the unit in which the register was first counted. */
function registersOf({ channels, record }: SummedMeter): readonly SummedRegister[] {
  const known = new Map<string, SummedRegister>();
  for (const { register, unit, kind } of channels) {
    const before = known.get(register);
    if (before !== undefined && (before.unit !== unit || before.kind === "interval")) continue;
    known.set(register, { register, unit, kind, multiplier: multiplierOf(record, register) });
  }
  for (const { register, unit } of record?.registers ?? []) {
    if (!known.has(register)) known.set(register, { register, unit, kind: undefined, multiplier: () => 1 });
  }
  return [...known.values()];
}

function multiplierOf(record: SummedMeter["record"], register: string): (day: DayEdges) => number {
  const entry: RegisteredRegister | undefined = record?.registers.find((one) => one.register === register);
  return ({ end }) => (entry === undefined ? 1 : multiplierAt(entry, end - 1));
}

function isOf({ register, unit, kind }: SummedRegister, channel: Channel): boolean {
  return channel.register === register && channel.unit === unit && channel.kind === kind;
}

function addRegister(
  one: SummedRegister & { readonly series: readonly ReadingSeries[] },
  day: DayEdges,
  days: readonly RegisterDay[],
): void {
  for (const target of days) target.expected += 1;
  const [first] = one.series;
  if (first === undefined) return;
  const multiplier = one.multiplier(day);
  if (one.kind === "register") addRegisterSteps(first, multiplier, day, days);
  else addIntervalSteps(one.series, multiplier, day, days);
}

/** Most registers count upwards, read by their meter: then a difference of two readings is all there is to a step. */
function addRegisterSteps(readings: Columns, multiplier: number, day: DayEdges, days: readonly RegisterDay[]): void {
  if (!isTidyRegister(readings)) {
    addPoints((edges) => registerCurve(readings, edges, multiplier), day, days);
    return;
  }
  const quarters = day.edges.PT15M;
  const values = new Array<number>(quarters.length).fill(-1);
  for (let i = 0, edge = 0; i < readings.at.length && edge < quarters.length; ) {
    const [at, wanted] = [readings.at[i] as number, quarters[edge] as number];
    if (at === wanted) values[edge] = readings.value[i] as number;
    if (at <= wanted) i += 1;
    if (wanted <= at) edge += 1;
  }
  for (const resolution of sumResolutions) {
    const places = day.places[resolution];
    for (let step = 0; step + 1 < places.length; step += 1) {
      const [from, to] = [values[places[step] as number] as number, values[places[step + 1] as number] as number];
      if (from >= 0 && to >= 0) addTo(days, resolution, step, (to - from) * multiplier, false);
    }
  }
}

function isTidyRegister({ value, code }: Columns): boolean {
  let before = 0;
  for (let i = 0; i < value.length; i += 1) {
    if (qualityIndexOf(code[i] as number) !== 0 || (value[i] as number) < before) return false;
    before = value[i] as number;
  }
  return true;
}

const quarterSeconds = 900;

function addIntervalSteps(
  series: readonly ReadingSeries[],
  multiplier: number,
  day: DayEdges,
  days: readonly RegisterDay[],
): void {
  const [first, ...others] = series;
  if (first === undefined) return;
  const readings = within(first, day, 1);
  const isPlain = others.length === 0 && first.channel.stepSeconds === quarterSeconds && isWhole(readings, day);
  if (!isPlain) {
    const intervals = intervalsOf(series.map((some) => within(some, day, 1)));
    addPoints((edges) => intervalCurve(intervals, edges, multiplier), day, days);
    return;
  }
  for (const resolution of sumResolutions) {
    const places = day.places[resolution];
    for (let step = 0; step + 1 < places.length; step += 1) {
      let sum = 0;
      let isEstimated = false;
      for (let i = places[step] as number; i < (places[step + 1] as number); i += 1) {
        sum += readings.value[i] as number;
        isEstimated ||= qualityIndexOf(readings.code[i] as number) !== 0;
      }
      addTo(days, resolution, step, sum * multiplier, isEstimated);
    }
  }
}

/** Whether each quarter hour of the day is there, and none of them suspect. */
function isWhole({ at, code }: Columns, { edges: { PT15M: quarters } }: DayEdges): boolean {
  if (at.length !== quarters.length - 1) return false;
  for (let i = 0; i < at.length; i += 1)
    if (at[i] !== quarters[i + 1] || qualityIndexOf(code[i] as number) === suspect) return false;
  return (quarters[1] as number) - (quarters[0] as number) === quarterSeconds;
}

/** The day's readings, both midnights among them; `after` leaves the first out, where an interval of before ends. */
function within(series: ReadingSeries, { day, end }: Pick<DayEdges, "day" | "end">, after = 0): ReadingSeries {
  const [from, to] = [lowerBound(series, day + after), lowerBound(series, end + 1)];
  if (from === 0 && to === series.at.length) return series;
  const cut = (column: readonly number[]) => column.slice(from, to);
  return { channel: series.channel, at: cut(series.at), value: cut(series.value), code: cut(series.code) };
}

function addPoints(
  curve: (edges: readonly number[]) => readonly CurvePoint[],
  day: DayEdges,
  days: readonly RegisterDay[],
): void {
  for (const resolution of sumResolutions) {
    for (const [step, { consumption, quality }] of curve(day.edges[resolution]).entries())
      if (consumption !== null) addTo(days, resolution, step, consumption, quality !== "actual");
  }
}

function addTo(
  days: readonly RegisterDay[],
  resolution: keyof RegisterDay["steps"],
  step: number,
  consumption: number,
  isEstimated: boolean,
): void {
  if (!Number.isSafeInteger(consumption)) return;
  for (const { steps } of days) addStep(steps[resolution] as StepSums, step, consumption, isEstimated);
}
