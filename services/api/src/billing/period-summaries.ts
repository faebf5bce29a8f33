import type { SnapshotView } from "@meterbook/core/ports/snapshot-ledger";
import { isSamePlace, type LedgerPlace } from "@meterbook/sharding/ledger-place";
import type { PeriodSummary } from "./summarise-period.ts";
import { summarisePeriod } from "./summarise-period.ts";

const rememberedMax = 24;

/**
 * Summaries of periods, remembered until something is issued; callers who ask at the same time share one walk.
 * One that was overtaken while it walked is answered, but not remembered.
 */
export function periodSummaries(view: SnapshotView, pageSize: number): (period: number) => Promise<PeriodSummary> {
  const remembered = new Map<number, { end: LedgerPlace; summary: Promise<PeriodSummary> }>();

  async function walk(period: number, end: LedgerPlace): Promise<PeriodSummary> {
    const forget = () => {
      if (remembered.get(period)?.end === end) remembered.delete(period);
    };
    try {
      const summary = await summarisePeriod(view, period, pageSize);
      if (!isSamePlace(await view.lastPlace(), end)) forget();
      return summary;
    } catch (error) {
      forget();
      throw error;
    }
  }

  return async (period) => {
    const end = await view.lastPlace();
    const known = remembered.get(period);
    if (known !== undefined && isSamePlace(known.end, end)) return known.summary;
    const summary = walk(period, end);
    remembered.delete(period);
    remembered.set(period, { end, summary });
    const oldest = remembered.keys().next().value;
    if (remembered.size > rememberedMax && oldest !== undefined) remembered.delete(oldest);
    return summary;
  };
}
