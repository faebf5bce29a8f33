import type { ReadingSeries } from "../../reading/reading.ts";
import { lowerBound, originOf } from "../../reading/reading.ts";
import type { RegisterLine } from "../line/register-line.ts";
import type { Part } from "../month.ts";
import type { ValuationRules } from "../valuation-rules.ts";

/**
 * V03: when it is first seen that energy was used where the supply was cut. By readings of that time alone: what lies
 * between a reading before the cut and one behind it can have been used before. A step of the register is no use.
 */
export function usedWhileCut(
  { line, intervals }: { readonly line: RegisterLine | undefined; readonly intervals: readonly ReadingSeries[] },
  cuts: readonly Part[],
  rules: ValuationRules,
): number | undefined {
  const found = cuts.flatMap((cut) => [
    ...(line === undefined ? [] : [seenByRegister(line, cut, rules)]),
    ...intervals.map((series) => seenByIntervals(series, cut, rules)),
  ]);
  return found.filter((at) => at !== undefined).sort((a, b) => a - b)[0];
}

function seenByRegister(line: RegisterLine, { from, to }: Part, { registerStep }: ValuationRules): number | undefined {
  const first = lowerBound(line, from);
  for (let i = first + 1; i < line.at.length && (line.at[i] as number) <= to; i += 1) {
    if (line.segment[i] !== line.segment[first]) return undefined;
    // An operator has accepted what it shows.
    if (originOf(line.code[i] as number) === "operator") return undefined;
    if ((line.total[i] as number) - (line.total[first] as number) > registerStep) return line.at[i];
  }
  return undefined;
}

function seenByIntervals(series: ReadingSeries, { from, to }: Part, { registerStep }: ValuationRules) {
  let sum = 0;
  for (let i = lowerBound(series, from + series.channel.stepSeconds); i < series.at.length; i += 1) {
    if ((series.at[i] as number) > to) return undefined;
    if (originOf(series.code[i] as number) === "operator") continue;
    sum += series.value[i] as number;
    if (sum > registerStep) return series.at[i];
  }
  return undefined;
}
