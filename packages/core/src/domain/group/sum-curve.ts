import { stepEdges } from "../curve/curve-steps.ts";
import { checkedAmount } from "../quantity/amount.ts";
import type { LocalCalendar } from "../time/local-calendar.ts";
import type { StepSums, SumResolution } from "./day-sums.ts";

export const groupResolutions = ["PT15M", "PT30M", "PT1H", "P1D", "P1M"] as const;
export type GroupResolution = (typeof groupResolutions)[number];

/** What a group used over `[from, to)`, and how much of it is known. */
export interface GroupPoint {
  readonly from: number;
  readonly to: number;
  /** Of those that are present; null where nobody is. Missing is never 0. */
  readonly consumption: number | null;
  /** Meters; of a month meters times days. */
  readonly expected: number;
  readonly present: number;
  /** Those of the present ones whose step was not measured. */
  readonly estimated: number;
}

/** A day of a group in one part of the meters: the parts of a day are added up. */
export interface SummedPart {
  readonly day: number;
  readonly expected: number;
  readonly steps: StepSums;
}

/** Months are added up from days. */
export function storedResolution(resolution: GroupResolution): SumResolution {
  return resolution === "P1M" ? "P1D" : resolution;
}

interface Sum {
  consumption: number;
  expected: number;
  present: number;
  estimated: number;
}

/** The steps that overlap `from` to `to`, whole. `parts` are of `storedResolution`. */
export function groupCurve(
  parts: readonly SummedPart[],
  resolution: GroupResolution,
  { from, to }: { readonly from: number; readonly to: number },
  calendar: LocalCalendar,
): GroupPoint[] {
  const edges = stepEdges(calendar, resolution, from, to);
  const sums = edges.slice(1).map((): Sum => ({ consumption: 0, expected: 0, present: 0, estimated: 0 }));
  const add = resolution === "P1M" ? addToMonth : addToSteps;
  for (const part of parts) add(part, storedResolution(resolution), { edges, sums, calendar });
  return sums.map(({ consumption, expected, present, estimated }, index) => ({
    from: edges[index] as number,
    to: edges[index + 1] as number,
    consumption: present === 0 ? null : checkedAmount(consumption),
    expected,
    present,
    estimated,
  }));
}

interface Sums {
  readonly edges: readonly number[];
  readonly sums: readonly Sum[];
  readonly calendar: LocalCalendar;
}

/** The steps of a day follow one another in the range too: only the first is looked for. */
function addToSteps(part: SummedPart, stored: SumResolution, { edges, sums, calendar }: Sums): void {
  const [first, last] = [edges[0] ?? 0, edges[sums.length] ?? 0];
  const own =
    part.day >= first ? 0 : stepEdges(calendar, stored, part.day, calendar.addDays(part.day, 1)).indexOf(first);
  if (own < 0 || part.day >= last) return;
  const at = indexOf(edges, Math.max(part.day, first));
  const steps = Math.min(part.steps.present.length - own, sums.length - at);
  for (let step = 0; step < steps; step += 1) addPart(sums[at + step] as Sum, part, own + step);
}

function addToMonth(part: SummedPart, _stored: SumResolution, { edges, sums, calendar }: Sums): void {
  const into = sums[edges.indexOf(monthOf(part.day, calendar))];
  if (into !== undefined) for (let step = 0; step < part.steps.present.length; step += 1) addPart(into, part, step);
}

/** Of an edge that is there. */
function indexOf(edges: readonly number[], edge: number): number {
  let [low, high] = [0, edges.length - 1];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((edges[middle] as number) < edge) low = middle + 1;
    else high = middle;
  }
  return low;
}

function monthOf(at: number, calendar: LocalCalendar): number {
  return calendar.startOf(calendar.periodOf(at));
}

function addPart(into: Sum, { expected, steps }: SummedPart, step: number): void {
  into.consumption += steps.consumption[step] as number;
  into.expected += expected;
  into.present += steps.present[step] as number;
  into.estimated += steps.estimated[step] as number;
}
