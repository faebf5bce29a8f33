import type { Channel, Columns, Reading } from "../reading/reading.ts";
import type { MeterRecord } from "../registry/meter-record.ts";
import type { PastMonth } from "./estimation/past-month.ts";
import type { Part } from "./month.ts";
import type { ValuationRules } from "./valuation-rules.ts";

/**
 * Everything that is known of a meter, or as much of it as the months in question can depend on (`reachSecondsMax`).
 */
export interface KnownMeter {
  readonly meterId: string;
  /** Master data; absent where there are none. */
  readonly record: MeterRecord | undefined;
  /** There are master data, and they cannot be read. */
  readonly recordDamaged?: boolean;
  readonly channels: readonly KnownChannel[];
  /**
   * What was issued for months before; undefined where it was not looked up. A month that nothing was read of is
   * estimated from it.
   */
  readonly history?: readonly PastMonth[] | undefined;
  /** Times without supply, ascending; none touches another. */
  readonly outages?: readonly Part[] | undefined;
}

export interface KnownChannel {
  readonly channel: Channel;
  /** The earliest reading that may be billed; `readings` need not reach back to it. */
  readonly first: Reading;
  /** Ascending, one for each instant: those that are in effect (V12). */
  readonly readings: Columns;
}

/** What the master data say of one register. */
export interface RegisterSpec {
  readonly multiplier: number;
  /** Where the counter wraps, in base units; undefined where that is not known. */
  readonly modulus: number | undefined;
  /**
   * What the connection can carry an hour, in base units of the register (before the multiplier); undefined where not
   * known.
   */
  readonly hourlyMax: number | undefined;
  /** What is expected of a year, after the multiplier; undefined where nobody has said. */
  readonly annualUse?: number | undefined;
}

/** Base units of one unit of the display (kWh, kvarh, m3). */
const displayUnit = 1000;

export function registerSpec(
  record: MeterRecord | undefined,
  register: string,
  { connectionW }: Pick<ValuationRules, "connectionW"> = {},
): RegisterSpec {
  const entry = record?.registers.find((one) => one.register === register);
  const multiplier = entry?.multiplier ?? 1;
  const power = entry?.unit === "L" ? undefined : (record?.connectionPowerW ?? connectionW);
  const modulus = entry?.modulus ?? (entry?.digits === undefined ? undefined : 10 ** entry.digits * displayUnit);
  return {
    multiplier,
    modulus: modulus !== undefined && Number.isSafeInteger(modulus) ? modulus : undefined,
    hourlyMax: power === undefined ? undefined : power / multiplier,
    annualUse: entry?.annualUse,
  };
}
