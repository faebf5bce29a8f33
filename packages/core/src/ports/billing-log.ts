import type { Acknowledgement } from "../domain/billing/acknowledgement.ts";

/**
 * What billing says that it used, kept for ever and never changed.
 *
 * Promises of every adapter (test/contracts/billing-log.contract.ts):
 * - `record` resolves once the lines survive a crash; the answer at index i belongs to line i. `known`: the same line
 *   was there. `differs`: another line with the same key was there first, and this one is not kept;
 * - reads see what this process has recorded at once, and what others have some moments later;
 * - a record that cannot be read is treated as if it were not there.
 */
export interface BillingLog {
  record(lines: readonly Acknowledgement[]): Promise<readonly LineOutcome[]>;
  /** All lines of a meter's month, the oldest first. */
  ofMonth(meterId: string, period: number): Promise<readonly Acknowledgement[]>;
  /** The newest revision that billing used of each meter, ordered by meter id. */
  used(options: {
    readonly period: number;
    readonly afterMeterId?: string;
    readonly limit: number;
  }): Promise<readonly UsedRevision[]>;
  totals(period: number): Promise<HandOverTotals>;
  /** Another text whenever a line was added since: cheap, so that what is made of the lines need not be made again. */
  state(): Promise<string>;
  close(): Promise<void>;
}

export type LineOutcome = "recorded" | "known" | "differs";

export interface UsedRevision {
  readonly meterId: string;
  readonly revision: number;
}

export interface HandOverTotals {
  readonly meters: number;
  readonly lines: number;
  readonly invoices: number;
  /** 0 where there is none. */
  readonly newestAtMs: number;
}
