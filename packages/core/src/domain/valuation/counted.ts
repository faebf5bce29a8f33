import { lowerBound, type Reading } from "../reading/reading.ts";
import type { Closing } from "./closing/closing.ts";
import { countedBetween, courseOf } from "./judge/v13-register-decreased.ts";
import type { RegisterSpec } from "./known-meter.ts";
import type { RegisterLine } from "./line/register-line.ts";
import type { Opening } from "./opening.ts";
import type { ValuationRules } from "./valuation-rules.ts";

/** What a record holds of an amount with a sign. */
const carriedMax = 2 ** 51;

type CountingFault = "register_ran_backwards" | "above_ceiling";

/** What a register counted from its opening to its closing, before the multiplier; or why that cannot be told. */
export interface Counted {
  readonly amount: number | CountingFault | null;
  readonly carried: number | null;
}

export interface CountedOf {
  readonly line: RegisterLine;
  readonly spec: RegisterSpec;
  readonly opening: Opening;
  readonly closing: Closing;
  /** What the line shows where the month begins; `as issued`: what the closing before says. */
  readonly start: Closing | "as issued" | undefined;
  /** The earliest credible reading from the opening on. */
  readonly first: Reading | undefined;
  readonly to: number;
}

export function countedOf(of: CountedOf, rules: ValuationRules): Counted {
  const { line, opening, closing, start } = of;
  if (closing.total === null || closing.value === null || opening.value === null)
    return { amount: null, carried: null };
  const isAtStart = opening.basis === "previous" || opening.basis === "line";
  if (start === "as issued") return { amount: bounded(closing.value - opening.value), carried: 0 };
  if (!isAtStart || start === undefined || start.total === null || start.value === null) {
    return { amount: fromFirst(of, rules), carried: isAtStart ? null : 0 };
  }
  const carried = shorterWay(start.value - opening.value, line.modulus);
  const told = Math.abs(carried) <= carriedMax ? carried : null;
  if (start.segment !== closing.segment) return { amount: stepFault(line, closing.segment), carried: told };
  return { amount: bounded(closing.total - start.total + carried), carried: told };
}

/** The line shows nothing at the opening: from there to the first reading behind it, and on. */
function fromFirst({ line, spec, opening, closing, first, to }: CountedOf, rules: ValuationRules): Counted["amount"] {
  const at = { at: opening.at ?? 0, value: opening.value ?? 0 };
  // Nothing behind the opening: the closing is the opening's own reading, or was counted on from before it.
  if (first === undefined || first.at > to + rules.snapSeconds) return bounded((closing.value ?? 0) - at.value);
  const lead = first.at === at.at ? 0 : countedBetween(at, first, spec, rules);
  if (lead === undefined) {
    return courseOf(at, first, spec, rules) === "leapt" ? "above_ceiling" : "register_ran_backwards";
  }
  const index = lowerBound(line, first.at);
  if (line.segment[index] !== closing.segment) return stepFault(line, closing.segment);
  return bounded((closing.total ?? 0) - (line.total[index] as number) + lead);
}

function bounded(amount: number): Counted["amount"] {
  return amount < 0 ? "register_ran_backwards" : amount;
}

/** Of two ways round a counter. */
function shorterWay(difference: number, modulus: number | undefined): number {
  if (modulus === undefined || Math.abs(difference) * 2 <= modulus) return difference;
  return difference > 0 ? difference - modulus : difference + modulus;
}

function stepFault({ steps }: RegisterLine, segment: number): CountingFault {
  return steps[segment - 1] === "leapt" ? "above_ceiling" : "register_ran_backwards";
}
