import type { TellDamage } from "@meterbook/core/ports/damage-log";
import type { AdmissionLimits } from "./admit-reports.ts";
import type { AggregatorEvents } from "./aggregator-events.ts";

export interface AggregatorOptions {
  /** IANA zone of a usage point that names none. */
  readonly timeZone: string;
  /** 0 = recompute at once. */
  readonly settleSeconds: number;
  readonly limits: AdmissionLimits;
  readonly events: AggregatorEvents;
  /** Told of what cannot be used and is set aside. */
  readonly damaged: TellDamage;
  readonly crashPoint: (name: string) => void;
}
