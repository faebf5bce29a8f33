import type { Estimate } from "../../snapshot/snapshot.ts";
import { formatInstant } from "../../time/instant.ts";
import { secondsWithin } from "../../time/stretches.ts";
import type { RegisterSpec } from "../known-meter.ts";
import type { Part } from "../month.ts";
import type { Closing } from "./closing.ts";
import { isShared } from "./closing.ts";

/**
 * How far an estimated closing can be off: it lies between the readings on both sides, and no further from either than
 * the connection can carry in that time. Null where the closing is no estimate.
 */
export function estimateOf(
  closing: Closing,
  opening: { readonly value: number | null; readonly at: number | null },
  { from, to }: Part,
  { spec, outages = [] }: { readonly spec: RegisterSpec; readonly outages?: readonly Part[] | undefined },
): Estimate | null {
  const { before, after, total, value, method } = closing;
  if (!isShared(closing) || before === null || after === null) return null;
  if (total === null || value === null || opening.value === null) return null;
  const rise = after.value - before.value + (after.value < before.value ? (spec.modulus ?? 0) : 0);
  const active = (since: number, until: number) => until - since - secondsWithin(outages, { from: since, to: until });
  const [since, until] = [carriedIn(active(before.at, to), spec), carriedIn(active(to, after.at), spec)];
  // From the reading before: at least what is too much to be used behind the boundary, at most what can be used up to
  // it.
  const least = Math.max(0, rise - until);
  const most = Math.min(rise, since);
  const used = value - before.value + (value < before.value ? (spec.modulus ?? 0) : 0);
  const atEstimate = value - opening.value + (value < opening.value ? (spec.modulus ?? 0) : 0);
  const low = Math.max(0, atEstimate - Math.max(0, used - least));
  const high = Math.max(atEstimate, atEstimate + (most - used));
  const cap = spec.hourlyMax === undefined ? null : carriedIn(active(opening.at ?? from, to), spec) * spec.multiplier;
  return {
    method,
    inputs: [formatInstant(before.at), formatInstant(after.at)],
    low: amountOf(Math.floor(low * spec.multiplier)),
    high: amountOf(Math.ceil(high * spec.multiplier)),
    cap: cap === null ? null : amountOf(Math.ceil(cap)),
    outageSeconds: secondsWithin(outages, { from: Math.max(before.at, opening.at ?? from), to }),
  };
}

function carriedIn(seconds: number, { hourlyMax }: RegisterSpec): number {
  return hourlyMax === undefined ? Number.POSITIVE_INFINITY : (hourlyMax * seconds) / 3600;
}

/** No more than can be told exactly. */
export function amountOf(computed: number): number {
  return Math.min(computed, Number.MAX_SAFE_INTEGER);
}
