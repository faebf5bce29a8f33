import type { WireUnit } from "../quantity/amount.ts";
import type { BaseUnit } from "../reading/reading.ts";
import type { Stretch } from "../time/stretches.ts";
import type { Dated, UsagePointStatus } from "./usage-point.ts";

/** As the customer sees it: taken from the grid, or given to it. */
export const directions = ["import", "export"] as const;
export type Direction = (typeof directions)[number];

export interface DatedMultiplier {
  /** Seconds UTC. */
  readonly validFrom: number;
  readonly multiplier: number;
}

export interface RegisteredRegister {
  readonly register: string;
  readonly unit: BaseUnit;
  /** Digits before the decimal point of the display, in kWh, kvarh or m3; where the counter wraps. */
  readonly digits?: number;
  /** Where the counter wraps, in base units, if digits do not say it. */
  readonly modulus?: number;
  readonly direction?: Direction;
  /** Primary units per counted unit (CT/VT ratio), 1 to 1 000 000; 1 where absent. */
  readonly multiplier?: number;
  /** Those that came after it, by their time. */
  readonly multipliers?: readonly DatedMultiplier[];
  /** In which unit people read it; the base unit where absent. */
  readonly displayUnit?: WireUnit;
  /** What is expected of a year, in base units after the multiplier, where nothing better is known. */
  readonly annualUse?: number;
}

export interface InstallationEvent {
  /** Seconds UTC. */
  readonly at: number;
  /** Register to its value in base units at that moment. */
  readonly values: Readonly<Record<string, number>>;
}

/** A meter at a usage point. What is not known of an end is absent: an installation without `removed` goes on. */
export interface Installation {
  readonly usagePointId: string;
  readonly installed?: InstallationEvent;
  readonly removed?: InstallationEvent;
}

/**
 * Master data of one meter, as the utility maintains it. A meter without an entry has all the defaults. `usagePointId`,
 * `installed` and `removed` are those of its newest installation.
 */
export interface MeterRecord {
  readonly meterId: string;
  readonly usagePointId: string;
  /** What the maker has written on it; people find it by this. */
  readonly serialNumber?: string;
  /** IANA zone of the usage point; the setting METERBOOK_TIME_ZONE where absent. */
  readonly zone?: string;
  readonly registers: readonly RegisteredRegister[];
  /** Expected spacing of the load profile in seconds. */
  readonly stepSeconds?: number;
  readonly connectionPowerW?: number;
  readonly installed?: InstallationEvent;
  readonly removed?: InstallationEvent;
  /** Where the meter was before, by time; none overlaps another. */
  readonly earlier?: readonly Installation[];
  /** Of its newest usage point (registered-meter.ts); never part of the meter's own record. */
  readonly statuses?: readonly Dated<UsagePointStatus>[];
  /** When it had no supply (outage.ts), ascending; none touches another. Never part of the meter's own record. */
  readonly outages?: readonly Stretch[];
  /** What its usage point can carry in W, by time, where that has changed; never part of the meter's own record. */
  readonly powers?: readonly Dated<number>[];
}
