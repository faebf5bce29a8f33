import { localCalendar } from "@meterbook/core/domain/time/local-calendar";
import type { Figure } from "../bench-table.ts";
import { type MethodScore, scoreCurve, scoreMethods } from "./score-estimates.ts";
import { type RuleScore, scoreRules } from "./score-rules.ts";
import { realCurves, simulatedCurves } from "./true-curves.ts";

export const scoreSeed = 20_261_129;
const calendar = localCalendar("Europe/Kyiv");
const year = 12;
const newest = 2026 * year + 1;

export interface Score {
  readonly simulated: readonly MethodScore[];
  /** Empty where the real readings are not beside this checkout. */
  readonly real: readonly MethodScore[];
  readonly rules: RuleScore;
}

/** How good estimates are on curves whose truth is known, and what rules find of faults that were planted (N9). */
export async function scoreAll(curves: number): Promise<Score> {
  const time = { from: calendar.startOf(newest - 26), to: calendar.startOf(newest) + 5 * 86_400, seed: scoreSeed };
  const real = await realCurves();
  return {
    simulated: scoreMethods(simulatedCurves(curves, time).flatMap(scoreCurve)),
    real: scoreMethods(real.flatMap(scoreCurve)),
    rules: scoreRules(simulatedCurves(curves, { ...time, businessShare: 0 }), newest - 1, scoreSeed),
  };
}

export async function measureScore(share: number): Promise<Figure[]> {
  console.log(`seed ${scoreSeed}`);
  const { simulated, real, rules } = await scoreAll(Math.max(3, Math.round(60 * share)));
  if (real.length === 0) console.log("the real readings are not beside this checkout: simulated curves alone");
  return [
    ...simulated.flatMap((one) => methodFigures("simulated", one)),
    ...real.flatMap((one) => methodFigures("real", one)),
    ...ruleFigures(rules),
  ];
}

function methodFigures(of: string, { method, count, median, p90, bias, covered, naive }: MethodScore): Figure[] {
  const known = Object.entries(naive).filter(([, error]) => error !== undefined) as [string, number][];
  const beside = known.map(([name, error]) => `${name} ${error.toFixed(1)} %`).join(", ");
  const best = Math.min(...known.map(([, error]) => error));
  const bar = known.length === 0 ? {} : { bar: { atMost: best } };
  return [
    { name: `${of} ${method}: error, median`, value: median, unit: "%", ...bar, note: `${count} months; ${beside}` },
    { name: `${of} ${method}: error, p90`, value: p90, unit: "%", note: `bias ${bias.toFixed(2)} %` },
    { name: `${of} ${method}: within low and high`, value: covered, unit: "%", bar: { atLeast: 90 } },
  ];
}

function ruleFigures({ faults, cleanReadings, falseAlarms }: RuleScore): Figure[] {
  const found = faults.map(({ name, planted, changing, found: hits, missed }) => ({
    name: `${name}: found`,
    value: (hits / planted) * 100,
    unit: "%",
    bar: { atLeast: 99 },
    note: `${planted} planted, ${changing} change the month by more than 1 %, ${missed} billed wrong unnoticed`,
  }));
  const alarms = { name: "false alarms", value: (falseAlarms / cleanReadings) * 10_000, unit: "in 10 000 readings" };
  return [...found, { ...alarms, bar: { atMost: 1 }, note: `${cleanReadings} clean readings` }];
}
