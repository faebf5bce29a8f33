import { localDays } from "../../../simulators/src/meters/local-days.ts";
import { meterProfile } from "../../../simulators/src/meters/meter-profile.ts";
import { meterTotals } from "../../../simulators/src/meters/register-totals.ts";
import { readHalfHours, smartCityMetersAreThere } from "../../support/smart-city-meters.ts";

/** What a register truly counted, at any instant. */
export interface TrueCurve {
  readonly name: string;
  readonly zone: string;
  /** Seconds UTC. */
  readonly from: number;
  readonly to: number;
  totalAt(at: number): number;
}

const simulatedZone = "Europe/Kyiv";

export interface SimulatedTime {
  readonly from: number;
  readonly to: number;
  readonly seed: number;
  readonly businessShare?: number;
}

/** Import of homes and businesses as the simulator draws them. */
export function simulatedCurves(count: number, { from, to, seed, businessShare = 0.1 }: SimulatedTime) {
  const calendar = localDays(simulatedZone);
  const makeup = { seed, firstMeterId: "sim-1", businessShare, solarShare: 0.1, skew: 0 };
  return Array.from({ length: count }, (_, number): TrueCurve => {
    const totals = meterTotals(meterProfile(number, makeup), calendar);
    const asked = new Map<number, number>();
    return {
      name: `simulated ${number}`,
      zone: simulatedZone,
      from,
      to,
      totalAt(at) {
        const known = asked.get(at);
        if (known !== undefined) return known;
        const day = totals.of(calendar.dayAt(at));
        const total = day.at("day", at) + day.at("night", at);
        asked.set(at, total);
        return total;
      },
    };
  });
}

/** The ten real meters beside this checkout; none where they are not there. What a gap hides was not counted. */
export async function realCurves(): Promise<TrueCurve[]> {
  if (!smartCityMetersAreThere) return [];
  const byMeter = Map.groupBy(await readHalfHours(), ({ meterId }) => meterId);
  return [...byMeter].map(([meterId, rows]) => {
    const ordered = rows.toSorted((a, b) => a.at - b.at);
    const sums = [0];
    for (const { wattHours } of ordered) sums.push((sums.at(-1) as number) + wattHours);
    return {
      name: `real ${meterId}`,
      zone: "Australia/Brisbane",
      from: ordered[0]?.at ?? 0,
      to: ordered.at(-1)?.at ?? 0,
      totalAt: (at) => sums[countUpTo(ordered, at)] as number,
    };
  });
}

function countUpTo(rows: readonly { readonly at: number }[], at: number): number {
  let [low, high] = [0, rows.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((rows[middle]?.at ?? 0) <= at) low = middle + 1;
    else high = middle;
  }
  return low;
}
