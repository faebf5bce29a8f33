import { begins, ends, installationsOf, multiplierAt, newestOf } from "./installations.ts";
import type { Installation, MeterRecord } from "./meter-record.ts";
import type { RegisteredMeter, Supply } from "./registered-meter.ts";
import { supplyAt } from "./registered-meter.ts";
import { valueAt } from "./usage-point.ts";

/**
 * The record as of the end of a month: one installation, the newest that the month has something of, and plain
 * multipliers. A record that says nothing of earlier times is answered as it is. What it was before within the month is
 * in register-stretches.ts.
 */
export function recordOfMonth(
  record: RegisteredMeter | undefined,
  { start, boundary }: { readonly start: number; readonly boundary: number },
): RegisteredMeter | undefined {
  if (record === undefined || !isTimed(record)) return record;
  const installations = installationsOf(record);
  const there = installations.findLast((one) => begins(one) < boundary && ends(one) > start);
  const known = there ?? installations.findLast((one) => begins(one) < boundary) ?? installations[0];
  return recordIn(record, known ?? newestOf(record), { from: start, to: boundary });
}

/** The record as of one installation, and of the end of a time in it: plain, and supplied as its usage point says. */
export function recordIn(
  record: RegisteredMeter,
  place: Installation,
  { from, to }: { readonly from: number; readonly to: number },
): RegisteredMeter {
  const { earlier: _e, installed: _i, removed: _r, powers: _p, statuses: _s, connectionPowerW: _w, ...rest } = record;
  const registers = record.registers.map(({ multipliers, ...register }) =>
    multipliers === undefined
      ? register
      : { ...register, multiplier: multiplierAt({ ...register, multipliers }, to - 1) },
  );
  const { powers, statuses } = supplyAt(record, place.usagePointId);
  const power = mostWithin(powers, from, to);
  return {
    ...rest,
    ...place,
    registers,
    ...(power === undefined ? {} : { connectionPowerW: power }),
    ...(statuses === undefined ? {} : { statuses }),
  };
}

/** The greatest that was in force at any moment of that time. */
function mostWithin(powers: Supply["powers"], from: number, to: number): number | undefined {
  const within = powers.filter(({ validFrom }) => validFrom > from && validFrom < to).map(({ value }) => value);
  const first = valueAt(powers, from) ?? powers[0]?.value;
  return first === undefined ? undefined : Math.max(first, ...within);
}

/** Whether months can differ in what the record says of them. */
export function isTimed({ earlier, powers, registers }: MeterRecord): boolean {
  return (
    earlier !== undefined || powers !== undefined || registers.some(({ multipliers }) => multipliers !== undefined)
  );
}

/** Whether the meter was at some usage point in a part of that time, as far as is known. */
export function isPlaced(
  record: MeterRecord | undefined,
  { start, boundary }: { readonly start: number; readonly boundary: number },
): boolean {
  return record === undefined || installationsOf(record).some((one) => begins(one) < boundary && ends(one) > start);
}
