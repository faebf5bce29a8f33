import { AdapterError } from "@meterbook/core/ports/adapter-error";
import type { SeriesStore } from "@meterbook/core/ports/series-store";
import type { AggregatorEvents } from "../aggregator-events.ts";
import { type Periodic, periodic } from "./periodic.ts";

export interface StoreWatchOptions {
  readonly events: Pick<AggregatorEvents, "storeBehind">;
  readonly partition: number;
  /** Has the partition opened anew. */
  readonly again: () => void;
}

/** The store says itself how often it is to be looked at. */
const betweenMs = 100;

/**
 * Compares the store with what is remembered of it, beside all other work. A store that was put back, emptied or
 * replaced has less than it said it had, and everything built upon it would be wrong. That a store cannot be asked is
 * told elsewhere.
 */
export function storeWatch(
  series: Pick<SeriesStore, "check">,
  { events, partition, again }: StoreWatchOptions,
): Periodic {
  let isBehind = false;
  return periodic(betweenMs, async () => {
    if (isBehind) return;
    try {
      isBehind = (await series.check()) === "behind";
    } catch (error) {
      if (!(error instanceof AdapterError)) throw error;
    }
    if (!isBehind) return;
    events.storeBehind({ partition });
    again();
  });
}
