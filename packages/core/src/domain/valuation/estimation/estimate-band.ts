import type { HistoryMethod } from "./daily-use.ts";

/**
 * How far the true use lies from an estimate in nine cases of ten, in thousandths of the estimate; measured on real
 * curves and on the simulator's (docs/estimation.md).
 */
export const bandShares: Readonly<Record<HistoryMethod, { readonly low: number; readonly high: number }>> = {
  ADU_PRIOR_YEAR: { low: 350, high: 2200 },
  ADU_PRIOR_PERIOD: { low: 400, high: 2200 },
  ANNUAL_EXPECTED: { low: 200, high: 3000 },
};

/** @param cap what the connection can carry in that time */
export function estimateBand(method: HistoryMethod, amount: number, cap: number): { low: number; high: number } {
  const { low, high } = bandShares[method];
  return {
    low: Math.floor((amount * low) / 1000),
    high: Math.max(amount, Math.min(Math.ceil((amount * high) / 1000), Math.ceil(cap))),
  };
}
