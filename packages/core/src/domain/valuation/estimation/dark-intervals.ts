import type { Estimate } from "../../snapshot/snapshot.ts";
import type { Cover } from "../cover/cover-intervals.ts";
import type { RegisterSpec } from "../known-meter.ts";
import type { Part } from "../month.ts";
import { outageSeconds } from "./outage-time.ts";

/** `ZERO_OUTAGE`: of intervals that are not there while there was no supply it is known that nothing was used. */
export function darkIntervals(
  cover: Cover,
  consumption: number | null,
  { spec, part, outages }: { readonly spec: RegisterSpec; readonly part: Part; readonly outages: readonly Part[] },
): Estimate | null {
  if (cover.dark === 0 || cover.absent > 0 || consumption === null) return null;
  const dark = outageSeconds(outages, part.from, part.to);
  const { hourlyMax, multiplier } = spec;
  const cap = hourlyMax === undefined ? null : (hourlyMax * multiplier * (part.to - part.from - dark)) / 3600;
  return {
    method: "ZERO_OUTAGE",
    inputs: [],
    low: consumption,
    high: consumption,
    cap: cap === null ? null : Math.min(Math.ceil(cap), Number.MAX_SAFE_INTEGER),
    outageSeconds: dark,
  };
}
