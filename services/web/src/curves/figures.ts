import { type Curve, overSteps, powerAt, qualityAt } from "./curve.ts";

/** What a curve says in a few numbers. */
export interface Figures {
  /** Base units: the sum of what is known; undefined where nothing is. */
  readonly total: number | undefined;
  /** Steps that should be there by now, and those that are. */
  readonly expected: number;
  readonly known: number;
  readonly estimated: number;
  readonly suspect: number;
  readonly peak: { readonly watts: number; readonly from: number; readonly to: number } | undefined;
  /** Watts that are nearly always drawn: a tenth of the time less, nine tenths more. */
  readonly baseWatts: number | undefined;
}

/** Two curves over the steps that both of them know: a range that is not over is not compared with a whole one. */
export interface Shared {
  readonly own: number;
  readonly other: number;
  /** One of the two knows more than the other. */
  readonly isPart: boolean;
}

export function sharedOf(curve: Curve, compared: Curve): Shared {
  const others = overSteps(curve.from, compared);
  const sums = { own: 0, other: 0, steps: 0 };
  for (let i = 0; i < others.length; i += 1) {
    const [value, other] = [curve.value[i] as number, others[i] as number];
    if (Number.isNaN(value) || Number.isNaN(other)) continue;
    sums.own += value;
    sums.other += other;
    sums.steps += 1;
  }
  const known = (values: Float64Array) => values.reduce((all, value) => all + Number(!Number.isNaN(value)), 0);
  const isPart = sums.steps < Math.max(known(curve.value), known(compared.value));
  return { own: sums.own, other: sums.other, isPart };
}

const baseShare = 0.1;

export function figuresOf(curve: Curve): Figures {
  const powers: number[] = [];
  const counts = { total: 0, expected: 0, known: 0, estimated: 0, suspect: 0 };
  let peak: Figures["peak"];
  for (let i = 0; i < curve.value.length; i += 1) {
    const quality = qualityAt(curve, i);
    if (quality === "future") continue;
    counts.expected += 1;
    if (quality === "suspect") counts.suspect += 1;
    const value = curve.value[i] as number;
    if (Number.isNaN(value)) continue;
    counts.known += 1;
    counts.total += value;
    if (quality === "estimated") counts.estimated += 1;
    const watts = powerAt(curve, i);
    powers.push(watts);
    if (watts > (peak?.watts ?? -1)) peak = { watts, from: curve.from[i] as number, to: curve.to[i] as number };
  }
  const total = counts.known === 0 ? undefined : counts.total;
  return { ...counts, total, peak, baseWatts: quantile(Float64Array.from(powers).sort(), baseShare) };
}

/** Of ascending values; undefined where there is none. */
export function quantile(ascending: Float64Array, share: number): number | undefined {
  if (ascending.length === 0) return undefined;
  return ascending[Math.min(ascending.length - 1, Math.floor(share * ascending.length))];
}

/** Known powers, the largest first: how long at least so much was drawn. */
export function loadDuration(curve: Curve): Float64Array {
  const powers = Float64Array.from({ length: curve.value.length }, (_, i) => powerAt(curve, i));
  return powers
    .filter((watts) => !Number.isNaN(watts))
    .sort()
    .reverse();
}
