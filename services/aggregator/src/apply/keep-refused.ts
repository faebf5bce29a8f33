import type { RejectedLog } from "@meterbook/core/ports/rejected-log";
import type { AggregatorEvents } from "../aggregator-events.ts";
import type { RefusedReport } from "./admit-reports.ts";

const rejectionsPerAppendMax = 500;

/**
 * Keeps what a partition refuses, before the batch is committed that held it. A batch that is tried again brings the
 * same: it is kept once, but for a process that ends between the two.
 */
export function keepRefused(
  rejected: Pick<RejectedLog, "append">,
  events: Pick<AggregatorEvents, "refused">,
): (refused: readonly RefusedReport[]) => Promise<void> {
  let keptTo = -1;
  return async (refused) => {
    const fresh = refused.filter(({ offset }) => offset > keptTo).map(({ rejection }) => rejection);
    for (let first = 0; first < fresh.length; first += rejectionsPerAppendMax) {
      await rejected.append(fresh.slice(first, first + rejectionsPerAppendMax));
    }
    keptTo = Math.max(keptTo, refused.at(-1)?.offset ?? -1);
    for (const { reason, meterId, detail } of fresh) events.refused({ reason, meterId, detail });
  };
}
