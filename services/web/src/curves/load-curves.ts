import { api, ask, CallProblem, type Schemas } from "../api/client.ts";
import { isoOf } from "../time/iso.ts";
import { zoneClock } from "../time/zone-clock.ts";
import { alignCurve } from "./align-curve.ts";
import { type Curve, curveOf } from "./curve.ts";
import { earlierRange, type MeterView, type Resolution, resolutionOf } from "./view-state.ts";

export type Meter = Schemas["Meter"];

/** Beside a curve, laid over its range. */
export interface ComparedCurve {
  readonly name: "month" | "year" | { readonly meterId: string };
  readonly curve: Curve;
  /** Where it began by its own time: equal to the range's start but for a month or a year before. */
  readonly from: number;
  readonly to: number;
}

export interface LoadedCurves {
  readonly curve: Curve;
  /** What was given to the grid over the same steps, where the meter counts it. */
  readonly exported: Curve | undefined;
  readonly compared: readonly ComparedCurve[];
  /** Other meters that could not be shown, and why. */
  readonly failed: readonly { readonly meterId: string; readonly problem: CallProblem }[];
  readonly resolution: Resolution;
  readonly from: number;
  readonly to: number;
}

/** The electricity taken, and the electricity given: seen from the customer. */
const importRegister = "1.8.0";
const exportRegister = "2.8.0";

export function registersOf({ channels }: Meter): readonly string[] {
  return [...new Set(channels.map(({ register }) => register))].sort();
}

export function registerOf(meter: Meter, view: MeterView): string | undefined {
  const all = registersOf(meter);
  return view.register ?? (all.includes(importRegister) ? importRegister : all[0]);
}

/** What a view needs: the register's curve first, everything beside it at the same time. */
export async function loadCurves(meter: Meter, view: MeterView, signal: AbortSignal): Promise<LoadedCurves> {
  const register = registerOf(meter, view) as string;
  const resolution = resolutionOf(view);
  const load = (meterId: string, of: string, { from, to }: Pick<MeterView, "from" | "to">) =>
    loadCurve({ meterId, register: of, from, to, resolution }, signal);
  const mirrors = register === importRegister && registersOf(meter).includes(exportRegister);
  const failed: { meterId: string; problem: CallProblem }[] = [];
  const [curve, exported, compared] = await Promise.all([
    load(meter.meterId, register, view),
    mirrors ? load(meter.meterId, exportRegister, view) : undefined,
    comparedCurves(),
  ]);
  return { curve, exported, compared, failed, resolution, from: view.from, to: view.to };

  async function comparedCurves(): Promise<readonly ComparedCurve[]> {
    const { compare } = view;
    if (compare === "none") return [];
    if (typeof compare !== "string") return (await Promise.all(compare.map(other))).filter((one) => one !== undefined);
    const clock = zoneClock(meter.zone);
    const range = earlierRange(view, compare, clock);
    const earlier = await load(meter.meterId, register, range);
    return [{ name: compare, curve: alignCurve(earlier, clock, range.from, view), ...range }];
  }
  async function other(meterId: string): Promise<ComparedCurve | undefined> {
    try {
      return { name: { meterId }, curve: await load(meterId, register, view), from: view.from, to: view.to };
    } catch (problem) {
      if (!(problem instanceof CallProblem)) throw problem;
      failed.push({ meterId, problem });
      return undefined;
    }
  }
}

interface CurveCall {
  readonly meterId: string;
  readonly register: string;
  readonly from: number;
  readonly to: number;
  readonly resolution: Resolution;
}

async function loadCurve({ meterId, register, from, to, resolution }: CurveCall, signal: AbortSignal): Promise<Curve> {
  const query = { register, from: isoOf(from), to: isoOf(to), resolution };
  const path = { meterId };
  const answer = await ask(api.GET("/v1/meters/{meterId}/curve", { params: { path, query }, signal }));
  return curveOf(answer, Date.now() / 1000);
}
