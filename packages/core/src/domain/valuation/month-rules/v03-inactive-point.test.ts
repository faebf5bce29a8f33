import { expect, test } from "vitest";
import { cutWithin, deadFrom, isActive } from "../../registry/supply-status.ts";
import { registerLine } from "../line/register-line.ts";
import { valuationRules } from "../valuation-rules.ts";
import { usedWhileCut } from "./v03-inactive-point.ts";

const statuses = [
  { validFrom: 0, value: "connected" },
  { validFrom: 100, value: "disconnected" },
  { validFrom: 200, value: "connected" },
  { validFrom: 900, value: "dead" },
] as const;

test.for([
  { from: 0, to: 100, cuts: [], active: true },
  { from: 50, to: 150, cuts: [{ from: 100, to: 150 }], active: false },
  { from: 120, to: 300, cuts: [{ from: 120, to: 200 }], active: false },
  { from: 200, to: 900, cuts: [], active: true },
  { from: 200, to: 901, cuts: [], active: false },
])("from $from to $to the supply is cut for $cuts", ({ from, to, cuts, active }) => {
  expect(cutWithin(statuses, { from, to })).toEqual(cuts);
  expect(isActive(statuses, { from, to })).toBe(active);
});

test("a place of which nobody has said anything is connected", () => {
  expect([deadFrom(undefined), deadFrom(statuses)]).toEqual([Number.POSITIVE_INFINITY, 900]);
  expect(isActive(undefined, { from: 0, to: 1000 })).toBe(true);
});

test.for([
  {
    case: "stands still",
    rows: [
      [90, 0],
      [110, 5000],
      [190, 5000],
      [210, 9000],
    ],
    at: undefined,
  },
  {
    case: "a step of the register is no use",
    rows: [
      [110, 5000],
      [190, 6000],
    ],
    at: undefined,
  },
  {
    case: "more than a step",
    rows: [
      [110, 5000],
      [150, 6000],
      [190, 6001],
    ],
    at: 190,
  },
  {
    case: "one reading alone says nothing",
    rows: [
      [90, 0],
      [150, 9000],
      [210, 9000],
    ],
    at: undefined,
  },
] as const)("V03 by a register: $case", ({ rows, at }) => {
  const line = registerLine(
    rows.map(([instant, value]) => ({ at: instant, value, code: 0, course: "rose" })),
    undefined,
  );
  expect(usedWhileCut({ line, intervals: [] }, [{ from: 100, to: 200 }], valuationRules)).toBe(at);
});

test("V03 by intervals: those that lie within the cut as a whole", () => {
  const channel = { register: "1.8.0", kind: "interval", unit: "Wh", stepSeconds: 20 } as const;
  const of = (...rows: readonly (readonly [at: number, value: number])[]) => ({
    channel,
    at: rows.map(([at]) => at),
    value: rows.map(([, value]) => value),
    code: rows.map(() => 0),
  });
  const seen = (one: ReturnType<typeof of>) =>
    usedWhileCut({ line: undefined, intervals: [one] }, [{ from: 100, to: 200 }], valuationRules);
  expect(seen(of([110, 9000], [120, 600], [140, 400], [210, 9000]))).toBe(undefined);
  expect(seen(of([120, 600], [140, 401], [160, 900]))).toBe(140);
});
