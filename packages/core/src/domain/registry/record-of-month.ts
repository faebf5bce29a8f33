import { begins, ends, installationsOf, multiplierAt } from "./installations.ts";
import type { MeterRecord } from "./meter-record.ts";

/**
 * The record as of the end of a month: one installation, the newest that the month has something of, and plain
 * multipliers. A record that says nothing of earlier times is answered as it is.
 */
export function recordOfMonth(
  record: MeterRecord | undefined,
  { start, boundary }: { readonly start: number; readonly boundary: number },
): MeterRecord | undefined {
  if (record === undefined || !isTimed(record)) return record;
  const { earlier: _e, installed: _i, removed: _r, ...rest } = record;
  const installations = installationsOf(record);
  const there = installations.findLast((one) => begins(one) < boundary && ends(one) > start);
  const known = there ?? installations.findLast((one) => begins(one) < boundary) ?? installations[0];
  const registers = record.registers.map(({ multipliers, ...register }) =>
    multipliers === undefined
      ? register
      : { ...register, multiplier: multiplierAt({ ...register, multipliers }, boundary - 1) },
  );
  return { ...rest, ...known, registers };
}

/** Whether months can differ in what the record says of them. */
function isTimed({ earlier, registers }: MeterRecord): boolean {
  return earlier !== undefined || registers.some(({ multipliers }) => multipliers !== undefined);
}
