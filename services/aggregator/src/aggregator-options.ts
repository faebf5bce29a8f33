import type { RuleBook } from "@meterbook/core/domain/valuation/rule-book";
import type { TimeWitnesses } from "@meterbook/core/ports/clock";
import type { TellDamage } from "@meterbook/core/ports/damage-log";
import type { AggregatorEvents } from "./aggregator-events.ts";
import type { AdmissionLimits } from "./apply/admit-reports.ts";
import type { GapRules } from "./gaps/gap-rules.ts";
import type { SummingPace } from "./groups/group-watch.ts";

export interface AggregatorOptions {
  /** IANA zone of a usage point that names none. */
  readonly timeZone: string;
  /** 0 = recompute at once. */
  readonly settleSeconds: number;
  readonly limits: AdmissionLimits;
  /** The thresholds that months are judged by; the usual ones where absent. */
  readonly rules?: RuleBook;
  /** How gaps are looked for and asked for; nobody looks where absent. */
  readonly gaps?: GapRules;
  /** How often groups are summed; as usual where absent. */
  readonly summing?: SummingPace;
  readonly events: AggregatorEvents;
  /** Told of what cannot be used and is set aside. */
  readonly damaged: TellDamage;
  readonly crashPoint: (name: string) => void;
  /** Nobody doubts the clock where absent. */
  readonly witnesses?: TimeWitnesses;
}
