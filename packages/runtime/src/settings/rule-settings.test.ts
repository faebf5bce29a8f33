import { usualRules } from "@meterbook/core/domain/valuation/rule-book";
import { expect, test } from "vitest";
import { groupRules } from "./group-rules.ts";
import { describeProblems, loadSettings } from "./load-settings.ts";

function loaded(environment: Record<string, string>) {
  const result = loadSettings(environment);
  if (!result.ok) throw new Error(describeProblems(result.problems));
  return result.settings;
}

test("a group has the usual thresholds, but for what is said of it", () => {
  const { rules } = loaded({
    METERBOOK_V17_CEILING_PERCENT: "120",
    METERBOOK_RULES_OF_GROUPS: "industry V18_FLOOR_W=50000 V17_CONNECTION_W=400000; farms V23_ZERO_USE_DAYS=60",
  });
  const usual = { ...usualRules.usual, ceilingPercent: 120 };
  expect(rules.usual).toEqual(usual);
  expect(rules.ofGroups).toEqual(
    new Map([
      ["industry", { ...usual, spikeFloorW: 50_000, connectionW: 400_000 }],
      ["farms", { ...usual, zeroUseSecondsMin: 60 * 86_400 }],
    ]),
  );
});

test("the thresholds of the door", () => {
  const { messages } = loaded({
    METERBOOK_V08_DIGITS_MAX: "12",
    METERBOOK_V09_OLD_DAYS: "400",
    METERBOOK_V10_AHEAD_SECONDS: "0",
    METERBOOK_V25_OFF_SECONDS: "5",
    METERBOOK_V25_WRONG_SECONDS: "5",
  });
  expect(messages.rules).toEqual({
    ...{ valueDigitsMax: 12, oldSeconds: 400 * 86_400, aheadSuspectSeconds: 0, aheadRefusedSeconds: 86_400 },
    ...{ clockOffSeconds: 5, clockWrongSeconds: 5 },
  });
});

test("all that is wrong is told at once, by the setting's name", () => {
  const result = loadSettings({
    METERBOOK_V08_DIGITS_MAX: "17",
    METERBOOK_V18_SPIKE_PERCENT: "much",
    METERBOOK_V25_OFF_SECONDS: "1000",
    METERBOOK_RULES_OF_GROUPS: "industry V18_FLOOR=1 V19_LOW_PERCENT=101; ; farms",
  });
  const told = result.ok ? "" : describeProblems(result.problems);
  for (const text of [
    "METERBOOK_V08_DIGITS_MAX=17: expected a whole number from 1 to 16",
    "METERBOOK_V18_SPIKE_PERCENT=much: expected a whole number from 1 to 100000",
    "METERBOOK_V25_WRONG_SECONDS=900: expected no less than METERBOOK_V25_OFF_SECONDS (1000)",
    "industry: V18_FLOOR=1 is no NAME=number of a threshold that there is",
    "industry: V19_LOW_PERCENT is a whole number from 0 to 100",
    '"" is no name of a group',
    "farms has no thresholds",
  ])
    expect(told).toContain(text);
});

test.for([
  { list: "a V23_ZERO_USE_DAYS=9; a V23_ZERO_USE_DAYS=8", problem: "a comes twice" },
  { list: "a V23_ZERO_USE_DAYS=9 V23_ZERO_USE_DAYS=8", problem: "a: V23_ZERO_USE_DAYS comes twice" },
  { list: "a toString=9", problem: "a: toString=9 is no NAME=number of a threshold that there is" },
  { list: "é V23_ZERO_USE_DAYS=9", problem: '"é" is no name of a group' },
])("$list: $problem", ({ list, problem }) => {
  expect(groupRules(list).problems).toEqual([problem]);
});
