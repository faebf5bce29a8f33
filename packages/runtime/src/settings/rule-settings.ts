import type { RuleBook } from "@meterbook/core/domain/valuation/rule-book";
import type { ValuationRules } from "@meterbook/core/domain/valuation/valuation-rules";
import { valuationRules } from "@meterbook/core/domain/valuation/valuation-rules";
import type { MonthRules } from "./group-rules.ts";
import type { SettingProblem } from "./setting-problem.ts";
import type { ReadSettings } from "./setting-schema.ts";

/** The thresholds of the rules that judge a reading when it comes. */
export function doorFrom(read: ReadSettings) {
  return {
    valueDigitsMax: read.METERBOOK_V08_DIGITS_MAX,
    oldSeconds: read.METERBOOK_V09_OLD_DAYS * 86_400,
    aheadSuspectSeconds: read.METERBOOK_V10_AHEAD_SECONDS,
    aheadRefusedSeconds: 86_400,
    clockOffSeconds: read.METERBOOK_V25_OFF_SECONDS,
    clockWrongSeconds: read.METERBOOK_V25_WRONG_SECONDS,
  };
}

/** Those that judge a month. A group has the usual ones, but for what is said of it. */
export function ruleBookFrom(read: ReadSettings): RuleBook {
  const usual = withRules(valuationRules, {
    V13_GLITCH_READINGS_MAX: read.METERBOOK_V13_GLITCH_READINGS_MAX,
    V14_WRAPS_FROM_PERCENT: read.METERBOOK_V14_WRAPS_FROM_PERCENT,
    V17_CEILING_PERCENT: read.METERBOOK_V17_CEILING_PERCENT,
    ...(read.METERBOOK_V17_CONNECTION_W === undefined ? {} : { V17_CONNECTION_W: read.METERBOOK_V17_CONNECTION_W }),
    V18_SPIKE_PERCENT: read.METERBOOK_V18_SPIKE_PERCENT,
    V18_FLOOR_W: read.METERBOOK_V18_FLOOR_W,
    V19_LOW_PERCENT: read.METERBOOK_V19_LOW_PERCENT,
    V19_HIGH_PERCENT: read.METERBOOK_V19_HIGH_PERCENT,
    V19_DIFFERENCE_WH: read.METERBOOK_V19_DIFFERENCE_WH,
    V20_PER_MILLE: read.METERBOOK_V20_PER_MILLE,
    V23_ZERO_USE_DAYS: read.METERBOOK_V23_ZERO_USE_DAYS,
  });
  const groups = read.METERBOOK_RULES_OF_GROUPS ?? new Map<string, MonthRules>();
  return { usual, ofGroups: new Map([...groups].map(([name, rules]) => [name, withRules(usual, rules)])) };
}

function withRules(base: ValuationRules, rules: MonthRules): ValuationRules {
  const connectionW = rules.V17_CONNECTION_W ?? base.connectionW;
  return {
    ...base,
    glitchReadingsMax: rules.V13_GLITCH_READINGS_MAX ?? base.glitchReadingsMax,
    wrapsFromPercent: rules.V14_WRAPS_FROM_PERCENT ?? base.wrapsFromPercent,
    ceilingPercent: rules.V17_CEILING_PERCENT ?? base.ceilingPercent,
    ...(connectionW === undefined ? {} : { connectionW }),
    spikePercentMin: rules.V18_SPIKE_PERCENT ?? base.spikePercentMin,
    spikeFloorW: rules.V18_FLOOR_W ?? base.spikeFloorW,
    lowUsePercent: rules.V19_LOW_PERCENT ?? base.lowUsePercent,
    highUsePercent: rules.V19_HIGH_PERCENT ?? base.highUsePercent,
    useDifferenceMin: rules.V19_DIFFERENCE_WH ?? base.useDifferenceMin,
    sumDifferencePerMille: rules.V20_PER_MILLE ?? base.sumDifferencePerMille,
    zeroUseSecondsMin:
      rules.V23_ZERO_USE_DAYS === undefined ? base.zeroUseSecondsMin : rules.V23_ZERO_USE_DAYS * 86_400,
  };
}

/** A clock that is wrong is off too. */
export function clockThresholds(given: Readonly<Record<string, string | undefined>>): SettingProblem[] {
  const off = given["METERBOOK_V25_OFF_SECONDS"] ?? "60";
  const value = given["METERBOOK_V25_WRONG_SECONDS"] ?? "900";
  if (!(Number(value) < Number(off))) return [];
  return [{ name: "METERBOOK_V25_WRONG_SECONDS", value, expected: `no less than METERBOOK_V25_OFF_SECONDS (${off})` }];
}
