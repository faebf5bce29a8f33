import type { RegisteredMeter } from "@meterbook/core/domain/registry/registered-meter";
import type { LocalCalendar } from "@meterbook/core/domain/time/local-calendar";
import type { ValuationRules } from "@meterbook/core/domain/valuation/valuation-rules";
import type { StoredChannel } from "@meterbook/core/ports/series-store";

/** The channels of one register, all of one kind and unit; several only where the length of intervals was changed. */
export interface CurveSource {
  readonly meterId: string;
  readonly channels: readonly [StoredChannel, ...StoredChannel[]];
  readonly calendar: LocalCalendar;
  readonly multiplier: number;
  /** What its readings are judged by: with what its usage point says in force. */
  readonly record: RegisteredMeter | undefined;
  readonly rules: ValuationRules;
}
