import type { TradeName } from "./load-shapes.ts";
import { tradeNames } from "./load-shapes.ts";
import type { Draw } from "./random.ts";
import { between, drawsOf, purposes, wholeBetween } from "./random.ts";

/** What a meter is and hangs on: fixed for its life, a function of (seed, meter number). */
export interface MeterProfile {
  readonly seed: number;
  /** 0-based; the meter's number in the fleet. */
  readonly number: number;
  readonly meterId: string;
  readonly kind: "home" | "business";
  readonly trade: TradeName | "home";
  /** Expected import in a year, Wh. */
  readonly yearWh: number;
  /** How much more winter months take than the mean: 0.2 = 20 % more in January, 20 % less in July. */
  readonly winterSwing: number;
  /** Hours by which its habits run later than the average; whole quarters. */
  readonly hourShift: number;
  /** Export in a year, Wh; 0 without panels. */
  readonly exportYearWh: number;
  /** Reactive per active energy; 0 where it is not metered. */
  readonly reactiveRatio: number;
  /** The month in which its registers stood at 0. */
  readonly installedPeriod: number;
  /** How many seconds its clock runs ahead (negative: behind); 0 for a right clock. */
  readonly skewSeconds: number;
}

export interface FleetMakeup {
  readonly seed: number;
  readonly firstMeterId: string;
  /** Shares and rates, 0 to 1. */
  readonly businessShare: number;
  readonly solarShare: number;
  readonly skew: number;
}

const periodOf2005 = 2005 * 12;

export function meterProfile(number: number, makeup: FleetMakeup): MeterProfile {
  const draw = drawsOf(makeup.seed, number, purposes.profile);
  const kind = draw() < makeup.businessShare ? "business" : "home";
  const solar = draw() < makeup.solarShare && kind === "home";
  const habits = kind === "home" ? homeHabits(draw) : businessHabits(draw);
  return {
    seed: makeup.seed,
    number,
    meterId: meterIdOf(makeup.firstMeterId, number),
    kind,
    ...habits,
    exportYearWh: solar ? Math.round(between(draw, 1_500_000, 6_000_000)) : 0,
    installedPeriod: periodOf2005 + wholeBetween(draw, 0, 119),
    skewSeconds: skewOf(number, makeup),
  };
}

/** Homes of 1 700 to 5 600 kWh a year, more small ones than large ones. */
function homeHabits(draw: Draw) {
  return {
    trade: "home" as const,
    yearWh: Math.round(1_700_000 + draw() ** 1.6 * 3_900_000),
    winterSwing: between(draw, 0.12, 0.32),
    hourShift: wholeBetween(draw, -5, 5) / 4,
    reactiveRatio: 0,
  };
}

/** Businesses of 10 to 300 MWh a year, each size class as frequent as the next. */
function businessHabits(draw: Draw) {
  return {
    trade: tradeNames[wholeBetween(draw, 0, tradeNames.length - 1)] as TradeName,
    yearWh: Math.round(10_000_000 * 30 ** draw()),
    winterSwing: between(draw, 0.03, 0.15),
    hourShift: wholeBetween(draw, -2, 2) / 4,
    reactiveRatio: between(draw, 0.15, 0.5),
  };
}

/** Half of the wrong clocks are off by less than a minute (within a boundary's snap), the others by minutes. */
function skewOf(number: number, { seed, skew }: FleetMakeup): number {
  const draw = drawsOf(seed, number, purposes.skew);
  if (draw() >= skew) return 0;
  const size = draw() < 0.5 ? wholeBetween(draw, 5, 55) : wholeBetween(draw, 90, 240);
  return draw() < 0.5 ? size : -size;
}

/** `sim-000001` is the first meter: its digits at the end are counted up, at least as wide as they stand there. */
export function meterIdOf(firstMeterId: string, number: number): string {
  const [digits = "0"] = /\d{1,8}$/.exec(firstMeterId) ?? [];
  return firstMeterId.slice(0, -digits.length) + String(Number(digits) + number).padStart(digits.length, "0");
}
