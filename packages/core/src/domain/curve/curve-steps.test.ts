import fc from "fast-check";
import { expect, test } from "vitest";
import { localCalendar } from "../time/local-calendar.ts";
import { registerCurve } from "./consumption-curve.ts";
import { stepEdges } from "./curve-steps.ts";
import { intervalCurve, intervalsOf } from "./interval-curve.ts";

const at = (text: string) => Date.parse(text) / 1000;

test.for([
  { zone: "Europe/Kyiv", day: "2026-03-29T10:00:00Z", resolution: "PT1H", steps: 23, last: 3600 },
  { zone: "Europe/Kyiv", day: "2026-10-25T10:00:00Z", resolution: "PT15M", steps: 100, last: 900 },
  { zone: "Asia/Kolkata", day: "2026-10-25T10:00:00Z", resolution: "PT1H", steps: 24, last: 3600 },
  { zone: "Australia/Lord_Howe", day: "2026-10-04T02:00:00Z", resolution: "PT1H", steps: 24, last: 1800 },
  { zone: "Pacific/Apia", day: "2011-12-29T20:00:00Z", resolution: "PT1H", steps: 24, last: 3600 },
] as const)("$zone: $steps steps of $resolution", ({ zone, day, resolution, steps, last }) => {
  const calendar = localCalendar(zone);
  const start = calendar.dayOf(at(day));
  const end = calendar.addDays(start, 1);
  const found = stepEdges(calendar, resolution, start, calendar.dayOf(start + 26 * 3600));
  expect(found).toHaveLength(steps + 1);
  expect(found[0]).toBe(start);
  expect((found.at(-1) as number) - (found.at(-2) as number)).toBe(last);
  if (zone !== "Pacific/Apia") expect(found.at(-1)).toBe(end);
});

test("steps that overlap the range are in it whole", () => {
  const calendar = localCalendar("Asia/Kolkata");
  const found = stepEdges(calendar, "PT1H", at("2026-10-25T10:00:00Z"), at("2026-10-25T11:31:00Z"));
  expect(found).toEqual([
    at("2026-10-25T09:30:00Z"),
    at("2026-10-25T10:30:00Z"),
    at("2026-10-25T11:30:00Z"),
    at("2026-10-25T12:30:00Z"),
  ]);
  expect(stepEdges(calendar, "P1M", at("2026-10-25T10:00:00Z"), at("2026-10-25T11:00:00Z"))).toEqual([
    at("2026-09-30T18:30:00Z"),
    at("2026-10-31T18:30:00Z"),
  ]);
  expect(stepEdges(calendar, "PT1H", 100, 100)).toEqual([]);
});

const zones = fc.constantFrom(
  "Europe/Kyiv",
  "Asia/Kolkata",
  "Australia/Lord_Howe",
  "America/St_Johns",
  "Asia/Beirut",
  "UTC",
);
const months = fc.record({ year: fc.integer({ min: 2005, max: 2035 }), month: fc.integer({ min: 0, max: 11 }) });

/** Whatever zone and month, and whatever the meter used: hours make days and days make months, to the last Wh. */
test("hours add up to days and days to the month, for registers and intervals", () => {
  fc.assert(
    fc.property(
      zones,
      months,
      fc.array(fc.nat(5000), { minLength: 1, maxLength: 60 }),
      (zone, { year, month }, uses) => {
        const calendar = localCalendar(zone);
        const period = year * 12 + month;
        const [from, to] = [calendar.startOf(period), calendar.boundaryOf(period)];
        const used = (index: number) => uses[index % uses.length] as number;
        const step = 1800;
        const count = (to - from) / step;
        const ends = Array.from({ length: count }, (_, i) => from + (i + 1) * step);
        const amounts = ends.map((_, i) => used(i));
        const channel = { register: "1.8.0", kind: "interval", unit: "Wh", stepSeconds: step } as const;
        const intervals = intervalsOf([{ channel, at: ends, value: amounts, code: ends.map(() => 0) }]);
        let total = 1_000_000;
        const totals = [total, ...amounts.map((amount) => (total += amount))];
        const registers = { at: [from, ...ends], value: totals, code: totals.map(() => 0) };
        const monthSum = amounts.reduce((a, b) => a + b, 0);
        for (const resolution of ["PT30M", "PT1H", "P1D", "P1M"] as const) {
          const found = stepEdges(calendar, resolution, from, to);
          for (const points of [registerCurve(registers, found, 1), intervalCurve(intervals, found, 1)]) {
            expect(points.every(({ consumption }) => consumption !== null)).toBe(true);
            expect(points.reduce((sum, { consumption }) => sum + (consumption ?? Number.NaN), 0)).toBe(monthSum);
            expect([points[0]?.from, points.at(-1)?.to]).toEqual([from, to]);
          }
        }
      },
    ),
    { numRuns: 60 },
  );
});
