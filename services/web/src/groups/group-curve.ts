import { api, ask, type Schemas } from "../api/client.ts";
import { alignCurve } from "../curves/align-curve.ts";
import { type Curve, curveOf } from "../curves/curve.ts";
import type { ComparedCurve, LoadedCurves } from "../curves/load-curves.ts";
import { earlierRange, type MeterView, resolutionOf } from "../curves/view-state.ts";
import { isoOf } from "../time/iso.ts";
import { zoneClock } from "../time/zone-clock.ts";

export type Group = Schemas["Group"];
type GroupPoint = Schemas["GroupPoint"];
export type GroupResolution = "PT15M" | "PT30M" | "PT1H" | "P1D" | "P1M";

/** A curve of many meters: beside each amount, of how many it is. */
export interface LoadedSums extends LoadedCurves {
  readonly points: readonly GroupPoint[];
  /** Days of it that are still to be summed anew. */
  readonly pending: number;
}

interface AnsweredSums {
  readonly register: string;
  readonly unit: string;
  readonly zone: string;
  readonly items: readonly GroupPoint[];
}

/** An amount of which some meters are missing is shown as it is: the strip below says how many are in it. */
export function curveOfSums(name: string, { register, unit, zone, items }: AnsweredSums, now: number): Curve {
  const steps = items.map((point) => ({ ...point, quality: qualityOf(point) }));
  return curveOf({ meterId: name, register, unit, zone, items: steps }, now);
}

function qualityOf({ consumption, present, expected, estimated }: GroupPoint): string {
  if (consumption === null) return "missing";
  // Drawn as what most of the sum is. A sentence says how many meters are estimated.
  if (estimated * 2 > present) return "estimated";
  return present < expected ? "incomplete" : "actual";
}

/** Groups have no steps of their own: as fine as can be seen, and hours at least where nothing else is asked for. */
export function groupResolution(view: MeterView): GroupResolution {
  const wanted = resolutionOf(view);
  if (wanted === "native") return "PT15M";
  return view.resolution === "auto" && wanted === "PT15M" ? "PT1H" : wanted;
}

export async function loadGroup(
  group: Group,
  zone: string,
  view: MeterView,
  register: string,
  signal: AbortSignal,
): Promise<LoadedSums> {
  const resolution = groupResolution(view);
  const load = ({ from, to }: Pick<MeterView, "from" | "to">) => {
    const query = { register, from: isoOf(from), to: isoOf(to), resolution };
    const path = { groupId: group.groupId };
    return ask(api.GET("/v1/groups/{groupId}/curve", { params: { path, query }, signal }));
  };
  const [answer, compared] = await Promise.all([load(view), earlier()]);
  const curve = curveOfSums(group.groupId, answer, Date.now() / 1000);
  const { pending, items: points } = answer;
  return {
    curve,
    points,
    pending,
    exported: undefined,
    compared,
    failed: [],
    resolution,
    from: view.from,
    to: view.to,
  };

  async function earlier(): Promise<readonly ComparedCurve[]> {
    const { compare } = view;
    if (compare !== "month" && compare !== "year") return [];
    const clock = zoneClock(zone);
    const range = earlierRange(view, compare, clock);
    const curve = curveOfSums(group.groupId, await load(range), Date.now() / 1000);
    return [{ name: compare, curve: alignCurve(curve, clock, range.from, view), ...range }];
  }
}

/** How many of the expected meters are in steps that are over. */
export function completenessOf({ points, curve }: Pick<LoadedSums, "points" | "curve">) {
  const sums = { expected: 0, present: 0, estimated: 0 };
  const now = Date.now() / 1000;
  points.forEach((point, i) => {
    if ((curve.to[i] as number) > now) return;
    sums.expected += point.expected;
    sums.present += point.present;
    sums.estimated += point.estimated;
  });
  return sums;
}

export function groupTitle({ kind, name }: Pick<Group, "kind" | "name">, kindName: string): string {
  return kind === "fleet" ? kindName : `${kindName} ${name}`;
}
