import type { Snapshot } from "@meterbook/core/domain/snapshot/snapshot";
import { formatInstant } from "@meterbook/core/domain/time/instant";
import { lastRows } from "@meterbook/core/domain/valuation/month";
import type { IssuedPeriod } from "../remember/meter-state.ts";

const reasonMax = 200;

/** The revision with the reading in its reason that an estimate has given way to, if one has. */
export function namingTheReading(next: Snapshot, known: Pick<IssuedPeriod, "hash" | "closings"> | undefined): Snapshot {
  if (known === undefined || known.hash === next.hash || next.revision === 1) return next;
  const replaced = lastRows(next.registers).flatMap(({ register, unit, value, after, readAt, method }) => {
    const before = known.closings.find((one) => one.register === register && one.unit === unit);
    if (before?.valueQuality !== "estimated" || before.value === value) return [];
    const at = method === "EXACT" ? readAt : (after?.at ?? null);
    return at === null ? [] : [`the estimate of ${register} gave way to the reading of ${formatInstant(at)}`];
  });
  if (replaced.length === 0) return next;
  return { ...next, reason: `${next.reason}: ${replaced.join(", ")}`.slice(0, reasonMax) };
}
