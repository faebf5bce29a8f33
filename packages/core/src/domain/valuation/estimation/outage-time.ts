import { secondsWithin } from "../../time/stretches.ts";
import type { Part } from "../month.ts";

/** How many seconds between two instants lie in outages. These are ascending, and none touches another. */
export function outageSeconds(outages: readonly Part[], from: number, to: number): number {
  return outages.length === 0 ? 0 : secondsWithin(outages, { from, to });
}
