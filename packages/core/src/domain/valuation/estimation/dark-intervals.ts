import type { Estimate } from "../../snapshot/snapshot.ts";
import { secondsWithin } from "../../time/stretches.ts";
import { amountOf } from "../closing/estimate-of.ts";
import type { Cover } from "../cover/cover-intervals.ts";
import type { RegisterSpec } from "../known-meter.ts";
import type { Part } from "../month.ts";

/** `ZERO_OUTAGE`: of intervals that are not there while there was no supply it is known that nothing was used. */
export function darkIntervals(
  cover: Cover,
  consumption: number | null,
  { spec, part, outages }: { readonly spec: RegisterSpec; readonly part: Part; readonly outages: readonly Part[] },
): Estimate | null {
  if (cover.dark === 0 || cover.absent > 0 || consumption === null) return null;
  const dark = secondsWithin(outages, part);
  const { hourlyMax, multiplier } = spec;
  const cap = hourlyMax === undefined ? null : (hourlyMax * multiplier * (part.to - part.from - dark)) / 3600;
  return {
    method: "ZERO_OUTAGE",
    inputs: [],
    low: consumption,
    high: consumption,
    cap: cap === null ? null : amountOf(Math.ceil(cap)),
    outageSeconds: dark,
  };
}
