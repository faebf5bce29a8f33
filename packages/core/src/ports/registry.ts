import type { MeterRecord } from "../domain/registry/meter-record.ts";
import type { Subscription } from "./readings-log.ts";

/**
 * Master data as a compacted log keyed by meter id: the newest record of a meter is the one that counts.
 *
 * Promises of every adapter (test/contracts/registry.contract.ts):
 * - `put` resolves once the records survive a crash; a later `get` of the same process sees them;
 * - `follow` calls `changed` with every meter's newest record once, then with each change, in order, batch after batch
 *   (never two calls at a time), and resolves when the state at the time of the call has been delivered;
 * - a record that cannot be read is told to the damage log and set aside: until the next `put` its meter has no record,
 *   `get` of it is an AdapterError `record_damaged`, lists leave it out, and followers are told that it is damaged; all
 *   other meters go on;
 * - `caughtUp` of the answer of `follow` resolves when all that was put before the call, by whomever, has been
 *   delivered, and rejects when that cannot be.
 */
export interface Registry {
  put(records: readonly MeterRecord[]): Promise<void>;
  get(meterId: string): Promise<MeterRecord | undefined>;
  /** Ordered by meter id. */
  list(options: { afterMeterId?: string; limit: number }): Promise<readonly MeterRecord[]>;
  /** The position of the newest record that was put, by whomever; 0 where there is none. */
  newest(): Promise<number>;
  /** Only of meters that it `wants`, all where absent. */
  follow(
    changed: (changes: readonly RegistryChange[]) => Promise<void>,
    wants?: (meterId: string) => boolean,
  ): Promise<RegistrySubscription>;
  close(): Promise<void>;
}

export interface RegistrySubscription extends Subscription {
  caughtUp(): Promise<void>;
}

export interface RegistryChange {
  readonly meterId: string;
  /** Undefined where it cannot be read: what the meter's master data are is not known now. */
  readonly record: MeterRecord | undefined;
  /** Grows with every record that is put; says what a follower has seen before. */
  readonly position: number;
}
