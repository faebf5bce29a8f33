import { expect, test } from "vitest";
import { rulesOfMeter } from "./rule-book.ts";
import { valuationRules } from "./valuation-rules.ts";

const [industry, farms] = [
  { ...valuationRules, spikeFloorW: 1 },
  { ...valuationRules, spikeFloorW: 2 },
];
const rulesByGroup = {
  usual: valuationRules,
  ofGroups: new Map([
    ["industry", industry],
    ["farms", farms],
  ]),
};

test.for([
  { groups: undefined, rules: valuationRules },
  { groups: [{ validFrom: 0, value: ["north"] }], rules: valuationRules },
  { groups: [{ validFrom: 0, value: ["north", "farms", "industry"] }], rules: farms },
  {
    groups: [
      { validFrom: 0, value: ["farms"] },
      { validFrom: 900, value: ["industry"] },
    ],
    rules: industry,
  },
  {
    groups: [
      { validFrom: 0, value: ["farms"] },
      { validFrom: 900, value: [] },
    ],
    rules: valuationRules,
  },
])("groups $groups", ({ groups, rules }) => {
  const point = { usagePointId: "up-1", ...(groups === undefined ? {} : { groups }) };
  const meter = { meterId: "m-1", usagePointId: "up-1", registers: [], points: [point] };
  expect(rulesOfMeter(rulesByGroup, meter)).toBe(rules);
  expect(rulesOfMeter(rulesByGroup, { ...meter, usagePointId: "up-2" }), "of another point").toBe(valuationRules);
  expect(rulesOfMeter(rulesByGroup, undefined)).toBe(valuationRules);
});
