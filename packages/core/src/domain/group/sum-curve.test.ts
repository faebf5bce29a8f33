import fc from "fast-check";
import { expect, test } from "vitest";
import { stepEdges } from "../curve/curve-steps.ts";
import { localCalendar } from "../time/local-calendar.ts";
import { noSteps } from "./day-sums.ts";
import { groupCurve, groupResolutions, type SummedPart, storedResolution } from "./sum-curve.ts";

const zones = ["Europe/Kyiv", "Australia/Lord_Howe", "UTC"];
/** Days around both changes of the clock. */
const starts = [Date.UTC(2026, 2, 27), Date.UTC(2026, 3, 3), Date.UTC(2026, 9, 2), Date.UTC(2026, 9, 23)];

test("each step of a range gets what each part has of it, wherever the range begins and ends", () => {
  const world = fc.record({
    zone: fc.constantFrom(...zones),
    start: fc.constantFrom(...starts),
    resolution: fc.constantFrom(...groupResolutions),
    parts: fc.array(fc.record({ day: fc.integer({ min: 0, max: 4 }), each: fc.integer({ min: 1, max: 9 }) })),
    from: fc.integer({ min: -2000, max: 450_000 }),
    length: fc.integer({ min: 1, max: 450_000 }),
  });
  fc.assert(
    fc.property(world, ({ zone, start, resolution, parts: drawn, from: offset, length }) => {
      const calendar = localCalendar(zone);
      const first = calendar.dayOf(start / 1000);
      const [from, to] = [first + offset, first + offset + length];
      const stored = storedResolution(resolution);
      const edgesOf = (day: number) => stepEdges(calendar, stored, day, calendar.addDays(day, 1));
      const parts = drawn.map(({ day: no, each }): SummedPart => {
        const day = calendar.addDays(first, no);
        const steps = noSteps(edgesOf(day).length - 1);
        for (let i = 0; i < steps.present.length; i += 1) {
          steps.present[i] = 1;
          steps.consumption[i] = each;
        }
        return { day, expected: 1, steps };
      });
      const points = groupCurve(parts, resolution, { from, to }, calendar);
      for (const point of points) {
        const amounts = parts.flatMap(({ day, steps }) => {
          const within = [...edgesOf(day).slice(0, -1).entries()].filter(([, at]) => at >= point.from && at < point.to);
          return within.map(([i]) => steps.consumption[i] as number);
        });
        expect(point.present).toBe(amounts.length);
        const sum = amounts.reduce((total, amount) => total + amount, 0);
        expect(point.consumption).toBe(amounts.length === 0 ? null : sum);
      }
    }),
  );
});
