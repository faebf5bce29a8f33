import type { StoredConflict } from "./series-store.ts";

/** Asks for meters that have readings. */
export interface MeterIdsPage {
  readonly afterMeterId?: string | undefined;
  /** Only those whose id begins so. */
  readonly prefix?: string | undefined;
  readonly limit: number;
}

/** Asks for refused values of the whole fleet. */
export interface ConflictsPage {
  /** The place of the last one that was given; from the newest on where absent. */
  readonly after?: ConflictPlace | undefined;
  readonly meterId?: string | undefined;
  /** Of the readings that are in conflict, in seconds UTC: `from <= at < to`. */
  readonly from?: number | undefined;
  readonly to?: number | undefined;
  readonly limit: number;
}

/** Of each shard of the store the id of the last conflict that was given; null where none of it was. */
export type ConflictPlace = readonly (number | null)[];

export interface FleetConflict {
  readonly conflict: StoredConflict;
  readonly place: ConflictPlace;
}

/**
 * What the series store says of all its meters together, whether anybody has registered them or not.
 *
 * Promises of every adapter (test/contracts/fleet-reader.contract.ts):
 * - `meterIds` is ordered by id; fewer than `limit` means the end. A meter is in it some time after its first reading:
 *   at once where the store has a list of its meters, else once its ids have been gone over again;
 * - `conflicts` begins with those that came last: each shard in the order of its log, the shards by when the values
 *   were received; fewer than `limit` means the end. What comes meanwhile moves nothing that was given;
 * - a page costs what it holds, however many meters there are; what filters leave out of `conflicts` is passed over.
 */
export interface FleetReader {
  meterIds(page: MeterIdsPage): Promise<readonly string[]>;
  /**
   * The instant of the newest reading of each (in seconds UTC), the answer at index i for meter i; null where what
   * would say so is damaged, undefined where there is no reading.
   */
  newestOf(meterIds: readonly string[]): Promise<readonly (number | null | undefined)[]>;
  conflicts(page: ConflictsPage): Promise<readonly FleetConflict[]>;
}
