import { expect, test } from "vitest";
import type { RegisteredMeter } from "../registry/registered-meter.ts";
import { groupsAt, readGroupId, regroupedFrom } from "./group-members.ts";

const meter: RegisteredMeter = {
  meterId: "m-1",
  usagePointId: "up-2",
  registers: [{ register: "1.8.0", unit: "Wh" }],
  installed: { at: 300, values: {} },
  earlier: [{ usagePointId: "up-1", installed: { at: 100, values: {} }, removed: { at: 200, values: {} } }],
  points: [
    { usagePointId: "up-1", feeder: [{ validFrom: 0, value: "F1" }] },
    {
      usagePointId: "up-2",
      feeder: [{ validFrom: 0, value: "F2" }],
      supplier: [
        { validFrom: 0, value: "A" },
        { validFrom: 500, value: "B" },
      ],
      groups: [{ validFrom: 400, value: ["night", "day"] }],
      measures: [
        { validFrom: 600, value: "F9" },
        { validFrom: 700, value: "" },
      ],
    },
  ],
};

test.each([
  [99, []],
  [100, ["fleet", "feeder:F1"]],
  [199, ["fleet", "feeder:F1"]],
  [200, []],
  [300, ["fleet", "feeder:F2", "supplier:A"]],
  [400, ["fleet", "feeder:F2", "supplier:A", "group:night", "group:day"]],
  [500, ["fleet", "feeder:F2", "supplier:B", "group:night", "group:day"]],
  [600, ["measures:F9"]],
  [700, ["fleet", "feeder:F2", "supplier:B", "group:night", "group:day"]],
])("at %d a meter is in %j", (at, groups) => {
  expect(groupsAt(meter, at)).toEqual(groups);
});

test("a meter of which nothing is known is in the fleet", () => {
  expect(groupsAt(undefined, 0)).toEqual(["fleet"]);
  expect(groupsAt({ meterId: "m-1", usagePointId: "m-1", registers: [] }, 0)).toEqual(["fleet"]);
});

test.each([
  ["fleet", { kind: "fleet", name: "" }],
  ["feeder:F-1", { kind: "feeder", name: "F-1" }],
  ["feeder:", undefined],
  ["fleet:x", undefined],
  ["nobody:x", undefined],
  ["F-1", undefined],
])("%s is %j", (id, group) => {
  expect(readGroupId(id)).toEqual(group);
});

test("sums differ from the first instant on at which the meter counts elsewhere or otherwise", () => {
  expect(regroupedFrom(meter, meter)).toBeUndefined();
  expect(regroupedFrom(undefined, { meterId: "m-1", usagePointId: "m-1", registers: [] })).toBeUndefined();
  expect(regroupedFrom(undefined, meter)).toBe(0);
  const moved = { ...meter, points: [meter.points?.[0] ?? { usagePointId: "" }, { usagePointId: "up-2" }] };
  expect(regroupedFrom(meter, moved)).toBe(300);
  const multiplier = { register: "1.8.0", unit: "Wh", multipliers: [{ validFrom: 450, multiplier: 40 }] } as const;
  expect(regroupedFrom(meter, { ...meter, registers: [multiplier] })).toBe(450);
});
