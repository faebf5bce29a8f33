/** Asks for meters that have readings. */
export interface MeterIdsPage {
  readonly afterMeterId?: string | undefined;
  /** Only those whose id begins so. */
  readonly prefix?: string | undefined;
  readonly limit: number;
}

/**
 * What the series store says of all its meters together, whether anybody has registered them or not.
 *
 * Promises of every adapter (test/contracts/fleet-reader.contract.ts):
 * - `meterIds` is ordered by id; fewer than `limit` means the end. A meter is in it some time after its first reading:
 *   at once where the store has a list of its meters, else once its ids have been gone over again;
 * - a page costs what it holds, however many meters there are.
 */
export interface FleetReader {
  meterIds(page: MeterIdsPage): Promise<readonly string[]>;
  /**
   * The instant of the newest reading of each (in seconds UTC), the answer at index i for meter i; null where what
   * would say so is damaged, undefined where there is no reading.
   */
  newestOf(meterIds: readonly string[]): Promise<readonly (number | null | undefined)[]>;
}
