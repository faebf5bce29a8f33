import type { Channel, Columns, Reading } from "../reading/reading.ts";
import { multiplierAt } from "../registry/installations.ts";
import type { MeterRecord, RegisteredRegister } from "../registry/meter-record.ts";
import type { RegisteredMeter } from "../registry/registered-meter.ts";
import { valueAt } from "../registry/usage-point.ts";
import type { PastMonth } from "./estimation/past-month.ts";
import type { Part } from "./month.ts";
import type { ValuationRules } from "./valuation-rules.ts";

/**
 * Everything that is known of a meter, or as much of it as the months in question can depend on (`reachSecondsMax`).
 */
export interface KnownMeter {
  readonly meterId: string;
  /** Master data; absent where there are none. */
  readonly record: RegisteredMeter | undefined;
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

/** From an instant on; the first counts for the time before it, too. */
export interface Limit {
  readonly from: number;
  readonly hourlyMax: number | undefined;
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
  /** The same by time, where it has changed: of the connection's power, or by the multiplier. */
  readonly limits?: readonly Limit[] | undefined;
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
    limits: entry?.unit === "L" ? undefined : limitsOf(record, entry, connectionW),
  };
}

/** Undefined where it is the same at all times. */
function limitsOf(
  record: MeterRecord | undefined,
  entry: RegisteredRegister | undefined,
  connectionW: number | undefined,
): readonly Limit[] | undefined {
  const { powers, connectionPowerW } = record ?? {};
  if (powers === undefined && entry?.multipliers === undefined) return undefined;
  const changes = [...(powers ?? []), ...(entry?.multipliers ?? [])].map(({ validFrom }) => validFrom);
  return [...new Set([0, ...changes])]
    .sort((a, b) => a - b)
    .map((from) => {
      const power = valueAt(powers, from) ?? powers?.[0]?.value ?? connectionPowerW ?? connectionW;
      const multiplier = entry === undefined ? 1 : multiplierAt(entry, from);
      return { from, hourlyMax: power === undefined ? undefined : power / multiplier };
    });
}
