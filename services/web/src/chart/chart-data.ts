import { overSteps, qualityAt } from "../curves/curve.ts";
import type { LoadedCurves } from "../curves/load-curves.ts";

/** The columns that are drawn: all over the steps of the first curve. */
export interface ChartData {
  readonly from: Float64Array;
  readonly to: Float64Array;
  readonly measured: Float64Array;
  readonly estimated: Float64Array;
  /** Below zero; undefined where nothing is given to the grid. */
  readonly exported: Float64Array | undefined;
  readonly compared: readonly Float64Array[];
}

export function chartData({ curve, exported, compared }: LoadedCurves): ChartData {
  const isEstimate = (i: number) => qualityAt(curve, i) === "estimated" || qualityAt(curve, i) === "derived";
  const pick = (wanted: boolean) => curve.value.map((value, i) => (isEstimate(i) === wanted ? value : Number.NaN));
  return {
    from: curve.from,
    to: curve.to,
    measured: pick(false),
    estimated: pick(true),
    exported: exported === undefined ? undefined : overSteps(curve.from, exported).map((value) => -value),
    compared: compared.map((one) => overSteps(curve.from, one.curve)),
  };
}
