import { setImmediate as nextTurn } from "node:timers/promises";
import type { ApiPorts } from "../../api-ports.ts";

/** What billing has used of a month, against what is issued. */
export interface HandOver {
  readonly meters: number;
  readonly lines: number;
  readonly invoices: number;
  /** 0 where there is nothing yet. */
  readonly newestAtMs: number;
  /** Meters of which billing used an earlier revision than the newest: it has a correction to make. */
  readonly toCorrect: number;
  /** Issued meters of which billing has used nothing. */
  readonly waiting: number;
}

const pageSize = 1000;

export async function readHandOver(
  { billing, snapshots }: Pick<ApiPorts, "billing" | "snapshots">,
  period: number,
): Promise<HandOver> {
  const totals = await billing.totals(period);
  const issued = await snapshots.issuedMeters(period);
  let toCorrect = 0;
  for (let after = "", isMore = totals.meters > 0; isMore; await nextTurn()) {
    const used = await billing.used({ period, afterMeterId: after, limit: pageSize });
    const newest = await snapshots.latestOfMeters(
      used.map(({ meterId }) => meterId),
      period,
    );
    for (const [index, { revision }] of used.entries()) {
      const latest = newest[index]?.find((one) => one.period === period);
      if (latest !== undefined && latest.revision > revision) toCorrect += 1;
    }
    after = used.at(-1)?.meterId ?? after;
    isMore = used.length === pageSize;
  }
  return { ...totals, toCorrect, waiting: Math.max(0, issued - totals.meters) };
}
