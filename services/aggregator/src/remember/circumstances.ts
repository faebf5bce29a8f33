import type { Channel } from "@meterbook/core/domain/reading/reading";
import type { MeterRecord } from "@meterbook/core/domain/registry/meter-record";
import type { LocalCalendar } from "@meterbook/core/domain/time/local-calendar";
import { isAboveCeiling } from "@meterbook/core/domain/valuation/judge/v17-above-ceiling";
import { canBeSpike } from "@meterbook/core/domain/valuation/judge/v18-spike";
import { registerSpec } from "@meterbook/core/domain/valuation/known-meter";
import type { ValuationRules } from "@meterbook/core/domain/valuation/valuation-rules";

/** What a channel's readings are judged by: what is known of its meter. */
export interface Circumstances {
  readonly calendar: LocalCalendar;
  readonly record: MeterRecord | undefined;
  readonly rules: ValuationRules;
}

/** Whether the connection can have carried so much; without a known power it can. */
export function isTooMuch(
  channel: Channel,
  amount: number,
  seconds: number,
  { record, rules }: Circumstances,
): boolean {
  if (record?.connectionPowerW === undefined && rules.connectionW === undefined) return false;
  return isAboveCeiling(amount, seconds, registerSpec(record, channel.register, rules), rules);
}

/** V18, as far as one interval tells. */
export function isSpikeLike(channel: Channel, amount: number, { record, rules }: Circumstances): boolean {
  const multiplier = record === undefined ? 1 : registerSpec(record, channel.register).multiplier;
  return canBeSpike(amount, channel, multiplier, rules);
}
