import { lowerBound, qualityIndexOf, type ReadingSeries } from "../../reading/reading.ts";
import type { Evidence } from "../../snapshot/snapshot.ts";
import { snapshotQualities } from "../../snapshot/snapshot.ts";
import type { Stretch } from "../../time/stretches.ts";
import type { RegisterLine } from "../line/register-line.ts";
import type { ValuationRules } from "../valuation-rules.ts";
import type { Anchor, Around, Closing, Rung } from "./closing.ts";
import { evidenceOf } from "./closing.ts";
import { exact } from "./exact.ts";
import { flatBetween } from "./flat-between.ts";
import { linearShort } from "./linear-short.ts";
import { profileScaled } from "./profile-scaled.ts";
import { regPlusIntervals } from "./reg-plus-intervals.ts";

/** The ladder of domain rules, section 4: the first that applies. */
const ladder: readonly Rung[] = [exact, regPlusIntervals, linearShort, profileScaled, flatBetween];

export interface AskedInstant {
  readonly boundary: number;
  /** Times without supply, ascending; none touches another. */
  readonly outages?: readonly Stretch[] | undefined;
}

/**
 * The register at an instant, from its line and the intervals of the same quantity.
 *
 * The ladder is climbed with actual readings alone, then with all credible ones; the better quality wins, and of equals
 * the first. What the meter itself reported for the instant wins over what is computed from others as good.
 */
export function closingAt(
  line: RegisterLine,
  intervals: readonly ReadingSeries[],
  asked: AskedInstant,
  rules: ValuationRules,
): Closing | undefined {
  const around = lookAround(line, intervals, { ...asked, qualityMax: 2 }, rules);
  const reported = exact(around, rules);
  if (reported?.quality === "actual") return reported;
  const measured = climb(lookAround(line, intervals, { ...asked, qualityMax: 0 }, rules), rules);
  const known = climb(around, rules);
  const best = measured === undefined || outdoes(known, measured) ? known : measured;
  return reported !== undefined && best !== undefined && !isBetter(best, reported) ? reported : best;
}

function isBetter(a: Closing, b: Closing): boolean {
  return snapshotQualities.indexOf(a.quality) < snapshotQualities.indexOf(b.quality);
}

/** Whether what is made of all that is believed stands in the place of what is made of actual readings alone. */
function outdoes(known: Closing | undefined, measured: Closing): boolean {
  if (known === undefined || isBetter(measured, known)) return false;
  return isBetter(known, measured) || spansMonths(measured);
}

/** No month is shorter. */
const monthSecondsMin = 27 * 86_400;

/**
 * Whether another month's end may lie between the same two readings. An estimate of the meter's own may have closed
 * that month, and none may close below the one before: then all that is believed counts.
 */
function spansMonths({ before, after }: Closing): boolean {
  return before !== null && after !== null && after.at - before.at >= monthSecondsMin;
}

function climb(around: Around, rules: ValuationRules): Closing | undefined {
  let outOfRange: Closing | undefined;
  for (const rung of ladder) {
    const found = rung(around, rules);
    if (found !== undefined && found.value !== null) return found;
    outOfRange ??= found;
  }
  return outOfRange;
}

/** What is shown beside an instant of which nothing can be made. */
export function neighboursOf(
  line: RegisterLine,
  boundary: number,
  rules: ValuationRules,
): { readonly before: Evidence | null; readonly after: Evidence | null } {
  const { before, after } = lookAround(line, [], { boundary, qualityMax: 2 }, rules);
  return { before: evidenceOf(before), after: evidenceOf(after) };
}

/** The nearest credible readings on both sides; where there is one side only, within reach. */
function lookAround(
  line: RegisterLine,
  intervals: readonly ReadingSeries[],
  { boundary, outages = [], qualityMax }: AskedInstant & { readonly qualityMax: number },
  { reachSecondsMax, betweenSecondsMax }: ValuationRules,
): Around {
  const split = lowerBound(line, boundary + 1);
  let before = split - 1;
  while (before >= 0 && qualityIndexOf(line.code[before] as number) > qualityMax) before -= 1;
  let after = split;
  while (after < line.at.length && qualityIndexOf(line.code[after] as number) > qualityMax) after += 1;
  const sides = { before: anchorAt(line, before), after: anchorAt(line, after) };
  const isBetween =
    sides.before !== undefined && sides.after !== undefined && sides.after.at - sides.before.at <= betweenSecondsMax;
  const secondsMax = isBetween ? betweenSecondsMax : reachSecondsMax;
  return {
    boundary,
    before: within(sides.before, boundary, secondsMax),
    after: within(sides.after, boundary, secondsMax),
    intervals,
    modulus: line.modulus,
    outages,
  };
}

function within(anchor: Anchor | undefined, boundary: number, seconds: number): Anchor | undefined {
  return anchor !== undefined && Math.abs(anchor.at - boundary) <= seconds ? anchor : undefined;
}

function anchorAt({ at, value, code, total, segment }: RegisterLine, index: number): Anchor | undefined {
  if (index < 0 || index >= at.length) return undefined;
  return {
    at: at[index] as number,
    value: value[index] as number,
    code: code[index] as number,
    total: total[index] as number,
    segment: segment[index] as number,
  };
}
