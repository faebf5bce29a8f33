import type { Columns, Reading } from "../reading/reading.ts";
import { lowerBound, qualityIndexOf, readingAt } from "../reading/reading.ts";
import type { RegisterLine } from "../valuation/line/register-line.ts";
import type { CurvePoint } from "./consumption-curve.ts";
import { nativeRegisterCurve, registerCurve, stepAmount, worst } from "./consumption-curve.ts";

/** The readings of a register as they came, and the lines that the engine has made of those that it believes. */
export interface JudgedReadings {
  readonly readings: Columns;
  readonly lines: readonly RegisterLine[];
}

/** Whether the engine has nothing against any of the readings. It may know of more, from master data. */
export function isUndoubted({ readings, lines }: JudgedReadings): boolean {
  const [only] = lines;
  return readings.at.length === 0 || (lines.length === 1 && only !== undefined && isWholeIn(readings, only));
}

function isWholeIn({ at, value }: Columns, line: RegisterLine): boolean {
  if (line.at === at) return true;
  if (line.steps.length > 0) return false;
  let place = 0;
  return at.every((one, index) => {
    while ((line.at[place] ?? one) < one) place += 1;
    return line.at[place] === one && line.total[place] === value[index];
  });
}

/** Whether the engine has nothing against any of the readings, nor knows of more. */
function isPlain(judged: JudgedReadings): boolean {
  const { length } = judged.readings.at;
  return length === 0 || (isUndoubted(judged) && judged.lines[0]?.at.length === length);
}

/**
 * As `registerCurve`, by what the engine believes: where a reading at an end of a step is doubted, or a step is in it
 * that nothing explains, the step is `suspect` and has no amount. What is doubted within a step changes nothing, and a
 * counter that wraps goes on.
 */
export function judgedRegisterCurve(
  judged: JudgedReadings,
  edges: readonly number[],
  multiplier: number,
): readonly CurvePoint[] {
  const { readings } = judged;
  if (isPlain(judged)) return registerCurve(readings, edges, multiplier);
  const stepOf = judgedSteps(judged, multiplier);
  return edges.slice(1).map((to, index) => stepOf(edges[index] as number, to));
}

/**
 * As `nativeRegisterCurve`.
 *
 * @param before the last reading before `from`, where a longer range is walked in parts
 * @param range of the later readings: `from <= at <= to`
 */
export function nativeJudgedCurve(
  judged: JudgedReadings,
  before: Reading | undefined,
  { from, to }: { readonly from: number; readonly to: number },
  multiplier: number,
): CurvePoint[] {
  const own = within(judged.readings, from, to);
  if (isPlain(judged)) return nativeRegisterCurve(own, before, multiplier);
  const stepOf = judgedSteps(judged, multiplier);
  const points: CurvePoint[] = [];
  let last = before?.at;
  for (const at of own.at) {
    // One from further back than was judged is compared as it came.
    if (last !== undefined && last < (judged.readings.at[0] ?? last))
      points.push(...nativeRegisterCurve(within(own, at, at), before, multiplier));
    else if (last !== undefined) points.push(stepOf(last, at));
    last = at;
  }
  return points;
}

export function within(readings: Columns, from: number, to: number): Columns {
  const [start, end] = [lowerBound(readings, from), lowerBound(readings, to + 1)];
  const { at, value, code } = readings;
  return { at: at.slice(start, end), value: value.slice(start, end), code: code.slice(start, end) };
}

interface Place {
  readonly line: RegisterLine;
  readonly index: number;
}

function judgedSteps({ readings, lines }: JudgedReadings, multiplier: number) {
  const places = new Map<number, Place>();
  for (const line of lines) for (const [index, at] of line.at.entries()) places.set(at, { line, index });
  const came = (at: number) => readings.at[lowerBound(readings, at)] === at;
  return (from: number, to: number): CurvePoint => {
    const [start, end] = [places.get(from), places.get(to)];
    if (start !== undefined && end !== undefined) return stepBetween(start, end, multiplier);
    const isThere = (start !== undefined || came(from)) && (end !== undefined || came(to));
    return { from, to, consumption: null, quality: isThere ? "suspect" : "missing" };
  };
}

function stepBetween(start: Place, end: Place, multiplier: number): CurvePoint {
  const [one, other] = [readingAt(start.line, start.index), readingAt(end.line, end.index)];
  const span = { from: one.at, to: other.at };
  const isOneLine = start.line === end.line && start.line.segment[start.index] === end.line.segment[end.index];
  if (!isOneLine) return { ...span, consumption: null, quality: "suspect" };
  const counted = (end.line.total[end.index] as number) - (start.line.total[start.index] as number);
  const quality = worst(qualityIndexOf(one.code), qualityIndexOf(other.code));
  return { ...span, ...stepAmount(counted * multiplier, quality) };
}
