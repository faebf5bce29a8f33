import type { Gap, MeterGaps } from "../domain/gap/meter-gaps.ts";
import type { Subscription } from "./readings-log.ts";

/**
 * What meters owe us and what they were asked for, as a compacted log keyed by meter id: the newest record of a meter
 * is the one that counts. Whoever owns a meter's partition writes it; it can be had again from the readings, but for
 * what was asked when.
 *
 * Promises of every adapter (test/contracts/gap-log.contract.ts):
 * - `put` resolves once the records survive a crash; a record without gaps, asking and sequence takes the meter out;
 * - `get` and `list` see what this process has put at once, and what others have put some moments later;
 * - `list` gives the open gaps of a month: first those around its end, then newer before older;
 * - `follow` calls `changed` with every meter's newest record once, then with each change, batch after batch (never two
 *   calls at a time), and resolves when the state at the time of the call has been delivered;
 * - a record that cannot be read is treated as if it were not there.
 */
export interface GapLog {
  put(records: readonly MeterGaps[]): Promise<void>;
  get(meterId: string): Promise<MeterGaps | undefined>;
  list(options: {
    readonly period: number;
    readonly after?: GapPlace | undefined;
    readonly limit: number;
  }): Promise<readonly ListedGap[]>;
  follow(changed: (records: readonly MeterGaps[]) => Promise<void>): Promise<Subscription>;
  close(): Promise<void>;
}

export interface ListedGap {
  readonly meterId: string;
  readonly usagePointId: string;
  readonly gap: Gap;
  readonly isAtClose: boolean;
  readonly place: GapPlace;
}

/** Where a gap stands in the list of its month. */
export interface GapPlace {
  /** 0 where it is around the month's end, else 1. */
  readonly group: number;
  readonly to: number;
  readonly meterId: string;
  /** Its number among the meter's. */
  readonly no: number;
}
