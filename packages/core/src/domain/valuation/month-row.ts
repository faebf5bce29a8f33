import type { RegisterFault, RegisterSnapshot } from "../snapshot/snapshot.ts";
import type { Finding } from "./finding.ts";

/** A row of a month as the engine makes it. */
export interface MonthRow extends Omit<RegisterSnapshot, "openingBasis" | "fault"> {
  /** `line`: what the month before had has no standing, so the line's own value opens the month. */
  readonly openingBasis: "previous" | "installation" | "first-reading" | "line" | null;
  readonly openingAt: number | null;
  /**
   * What the line shows at the opening minus the opening: what this month makes up for the one before. Null where the
   * line shows nothing there.
   */
  readonly carried: number | null;
  /** Where the row begins and ends, if not with the month. */
  readonly from: number | null;
  readonly to: number | null;
  readonly fault: RegisterFault | "above_ceiling" | "readings_suspect" | null;
  readonly findings: readonly Finding[];
  readonly estimate: Estimate | null;
}

/** How good an estimated consumption is. Amounts are those of the consumption, after the multiplier. */
export interface Estimate {
  readonly method: RegisterSnapshot["method"];
  /** By revision, such as `m-1/2026-10/2`, or the instants of readings. */
  readonly inputs: readonly string[];
  readonly low: number;
  readonly high: number;
  /** What the connection can carry in that time; null where its power is not known. */
  readonly cap: number | null;
}
