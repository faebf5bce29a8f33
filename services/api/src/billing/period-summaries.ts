import type { SnapshotView } from "@meterbook/core/ports/snapshot-ledger";
import type { PeriodSummary } from "./summarise-period.ts";
import { summarisePeriod } from "./summarise-period.ts";

const rememberedMax = 24;

/**
 * Summaries of periods, remembered until something is issued; callers who ask at the same time share one walk.
 * One that was overtaken while it walked is answered, but not remembered.
 */
export function periodSummaries(view: SnapshotView, pageSize: number): (period: number) => Promise<PeriodSummary> {
  const remembered = new Map<number, { sequence: number; summary: Promise<PeriodSummary> }>();

  async function walk(period: number, sequence: number): Promise<PeriodSummary> {
    const forget = () => {
      if (remembered.get(period)?.sequence === sequence) remembered.delete(period);
    };
    try {
      const summary = await summarisePeriod(view, period, pageSize);
      if ((await view.lastSequence()) !== sequence) forget();
      return summary;
    } catch (error) {
      forget();
      throw error;
    }
  }

  return async (period) => {
    const sequence = await view.lastSequence();
    const known = remembered.get(period);
    if (known?.sequence === sequence) return known.summary;
    const summary = walk(period, sequence);
    remembered.delete(period);
    remembered.set(period, { sequence, summary });
    const oldest = remembered.keys().next().value;
    if (remembered.size > rememberedMax && oldest !== undefined) remembered.delete(oldest);
    return summary;
  };
}
