import type { FleetSettings } from "../meters/fleet-options.ts";
import type { LocalDay } from "../meters/local-days.ts";
import { drawsOf, purposes, wholeBetween } from "../meters/random.ts";
import type { DayTotals, MeterTotals } from "../meters/register-totals.ts";
import type { Delivery, Report } from "./report-plan.ts";

export type Unit = "Wh" | "varh";

/** What one report says about one register: reading i is `values[i]` at `at[i]`, in whole base units. */
export interface RegisterSeries {
  readonly register: string;
  readonly unit: Unit;
  /** Seconds UTC, by the meter's own clock, ascending. */
  readonly at: readonly number[];
  readonly values: number[];
  /** Which readings are flagged as estimated. */
  readonly estimated: { readonly first: number; readonly count: number };
  /** Which reading is not what the meter counted. */
  readonly wrong?: number;
}

/** The registers that a meter shows at an instant of a day, rounded down to `resolution`: 1.8.0 is 1.8.1 + 1.8.2. */
export function registersAt(
  totals: DayTotals,
  meter: MeterTotals,
  at: number,
  resolution: number,
): ReadonlyMap<string, number> {
  const shown = (total: number) => total - (total % resolution);
  const day = shown(totals.at("day", at));
  const night = shown(totals.at("night", at));
  const registers = new Map([
    ["1.8.0", day + night],
    ["1.8.1", day],
    ["1.8.2", night],
  ]);
  if (meter.profile.exportYearWh > 0) registers.set("2.8.0", shown(totals.at("export", at)));
  if (meter.profile.reactiveRatio > 0) registers.set("3.8.0", shown(totals.at("reactive", at)));
  return registers;
}

export function unitOf(register: string): Unit {
  return register === "3.8.0" ? "varh" : "Wh";
}

/** The readings of a report as this delivery of it says them: a function of seed, meter and time. */
export function readingsOf(
  { report, as }: Delivery,
  meter: MeterTotals,
  settings: FleetSettings,
): readonly RegisterSeries[] {
  const totals = meter.of(report.day);
  const instants = instantsOf(report, settings.step);
  const rows = instants.map((at) => registersAt(totals, meter, at, settings.resolution));
  const draw = drawsOf(settings.seed, report.meter, purposes.value, report.until);
  const estimated = estimatedRun(report, instants.length, draw);
  const skew = meter.profile.skewSeconds;
  const at = instants.map((instant) => instant + skew);
  const series = [...(rows[0] ?? new Map<string, number>()).keys()].map((register): RegisterSeries => {
    const values = rows.map((row) => row.get(register) as number);
    const before = registersAt(
      totals,
      meter,
      Math.max(report.day.start, (instants[0] ?? 0) - settings.step),
      settings.resolution,
    );
    estimate(values, estimated, before.get(register) as number, settings.resolution);
    return { register, unit: unitOf(register), at, values, estimated };
  });
  const falsify = report.value === "wrong" || (report.value === "conflicting" && as === "altered");
  return falsify ? withOneWrong(series, settings.resolution, draw) : series;
}

/** Every `step` seconds since local midnight, and the midnight that ends the day. */
function instantsOf({ day, after, until }: Report, step: number): number[] {
  const instants: number[] = [];
  const first = day.start + (Math.floor((after - day.start) / step) + 1) * step;
  for (let at = first; at <= until && at < day.end; at += step) instants.push(at);
  if (until === day.end) instants.push(day.end);
  return instants;
}

function estimatedRun({ value }: Report, length: number, draw: () => number): { first: number; count: number } {
  if (value !== "estimated") return { first: 0, count: 0 };
  if (length <= 4) return { first: 0, count: length };
  const first = wholeBetween(draw, 0, length - 1);
  return { first, count: wholeBetween(draw, 1, length - first) };
}

/** An estimate lies between the reading before and the true one, so that the register still never falls. */
function estimate(values: number[], run: { first: number; count: number }, before: number, resolution: number): void {
  let previous = run.first === 0 ? before : (values[run.first - 1] as number);
  for (let i = run.first; i < run.first + run.count; i += 1) {
    const truth = values[i] as number;
    const guess = previous + Math.floor(((truth - previous) * 3) / 4);
    values[i] = guess - (guess % resolution);
    previous = truth;
  }
}

/** One reading of one register as a meter or a bad line might distort it: zero, a digit short, far too high. */
function withOneWrong(
  series: readonly RegisterSeries[],
  resolution: number,
  draw: () => number,
): readonly RegisterSeries[] {
  const which = wholeBetween(draw, 0, series.length - 1);
  const chosen = series[which];
  if (chosen === undefined || chosen.values.length === 0) return series;
  const wrong = wholeBetween(draw, 0, chosen.values.length - 1);
  const right = chosen.values[wrong] as number;
  const spike = right + resolution * wholeBetween(draw, 100_000, 900_000);
  const short = Math.floor(right / 10) - (Math.floor(right / 10) % resolution);
  const distorted = [0, short, spike][wholeBetween(draw, 0, 2)] as number;
  const values = [...chosen.values];
  values[wrong] = distorted === right ? right + resolution : distorted;
  return series.map((one, index) => (index === which ? { ...one, values, wrong } : one));
}

/** The registers at a local midnight: the truth that a month's snapshot is compared with. */
export function registersAtStartOf(day: LocalDay, meter: MeterTotals, resolution: number): ReadonlyMap<string, number> {
  return registersAt(meter.of(day), meter, day.start, resolution);
}
