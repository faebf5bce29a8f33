import type { BaseUnit } from "../reading/reading.ts";

export interface RegisteredRegister {
  readonly register: string;
  readonly unit: BaseUnit;
  /** Digits before the decimal point of the display, in kWh, kvarh or m3; where the counter wraps. */
  readonly digits?: number;
  /** Primary units per counted unit (CT/VT ratio), 1 to 1 000 000; 1 where absent. */
  readonly multiplier?: number;
}

export interface InstallationEvent {
  /** Seconds UTC. */
  readonly at: number;
  /** Register to its value in base units at that moment. */
  readonly values: Readonly<Record<string, number>>;
}

/** Master data of one meter, as the utility maintains it. A meter without an entry has all the defaults. */
export interface MeterRecord {
  readonly meterId: string;
  readonly usagePointId: string;
  /** IANA zone of the usage point; the setting METERBOOK_TIME_ZONE where absent. */
  readonly zone?: string;
  readonly registers: readonly RegisteredRegister[];
  /** Expected spacing of the load profile in seconds. */
  readonly stepSeconds?: number;
  readonly connectionPowerW?: number;
  readonly installed?: InstallationEvent;
  readonly removed?: InstallationEvent;
}
