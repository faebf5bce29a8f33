import { stepEdges } from "../curve/curve-steps.ts";
import type { BaseUnit } from "../reading/reading.ts";
import type { LocalCalendar } from "../time/local-calendar.ts";

/** In what steps a group's days are summed. Months are added up from days. */
export const sumResolutions = ["PT15M", "PT30M", "PT1H", "P1D"] as const;
export type SumResolution = (typeof sumResolutions)[number];

/** Column by column: what the steps of a day hold of all members together. */
export interface StepSums {
  /** Base units, of those that are present. */
  readonly consumption: number[];
  /** Meters of which the step is known. */
  readonly present: number[];
  /** Those of them whose step is not measured: derived or estimated. */
  readonly estimated: number[];
}

/** One register of a group on one local day. */
export interface RegisterDay {
  readonly register: string;
  readonly unit: BaseUnit;
  /** Meters that have the register. */
  expected: number;
  readonly steps: Readonly<Record<SumResolution, StepSums>>;
}

/** The edges of a day's steps. Those of every resolution are among the quarter hours'. */
export interface DayEdges {
  readonly day: number;
  readonly end: number;
  readonly edges: Readonly<Record<SumResolution, readonly number[]>>;
  /** For each edge of a resolution its place among the quarter hours' edges. */
  readonly places: Readonly<Record<SumResolution, readonly number[]>>;
}

export function dayEdges(calendar: LocalCalendar, day: number): DayEdges {
  const end = calendar.addDays(day, 1);
  const edgesOf = (resolution: SumResolution) => stepEdges(calendar, resolution, day, end);
  const edges = byResolution(edgesOf);
  const placeOf = new Map(edges.PT15M.map((at, index) => [at, index]));
  return {
    day,
    end,
    edges,
    places: byResolution((resolution) => edges[resolution].map((at) => placeOf.get(at) as number)),
  };
}

export function emptyRegisterDay(register: string, unit: BaseUnit, { edges }: DayEdges): RegisterDay {
  return { register, unit, expected: 0, steps: byResolution((resolution) => noSteps(edges[resolution].length - 1)) };
}

export function noSteps(count: number): StepSums {
  const zeros = () => new Array<number>(count).fill(0);
  return { consumption: zeros(), present: zeros(), estimated: zeros() };
}

export function addStep(into: StepSums, step: number, consumption: number, isEstimated: boolean): void {
  into.consumption[step] = (into.consumption[step] as number) + consumption;
  into.present[step] = (into.present[step] as number) + 1;
  if (isEstimated) into.estimated[step] = (into.estimated[step] as number) + 1;
}

export function byResolution<Value>(of: (resolution: SumResolution) => Value): Record<SumResolution, Value> {
  return { PT15M: of("PT15M"), PT30M: of("PT30M"), PT1H: of("PT1H"), P1D: of("P1D") };
}
