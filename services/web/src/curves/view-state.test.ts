import fc from "fast-check";
import { expect, test } from "vitest";
import { zoneClock } from "../time/zone-clock.ts";
import { earlierRange, readView, resolutionOf, resolutions, shows, spanOf, step, viewQuery } from "./view-state.ts";

const clock = zoneClock("Europe/Kyiv");
const now = Date.parse("2026-11-29T13:00:00Z") / 1000;
const midnight = (month: number, day: number, year = 2026) => clock.midnight(year, month, day);

test("without an address the last seven days are shown, today among them", () => {
  const view = readView({}, clock, now);
  expect([view.from, view.to]).toEqual([midnight(11, 23), midnight(11, 30)]);
  expect(view).toMatchObject({ resolution: "auto", show: "curve", compare: "none" });
});

test("a view and its address say the same", () => {
  const compare = fc.oneof(
    fc.constantFrom("none" as const, "month" as const, "year" as const),
    fc.uniqueArray(fc.constantFrom("m-1", "m-2", "sim-000003"), { minLength: 1 }),
  );
  const view = fc.record({
    register: fc.constantFrom(undefined, "1.8.0", "7-0:3.0.0"),
    from: fc.integer({ min: 20_000_000, max: 29_000_000 }).map((minutes) => minutes * 60),
    hours: fc.integer({ min: 1, max: 9000 }),
    resolution: fc.constantFrom("auto" as const, ...resolutions),
    show: fc.constantFrom(...shows),
    compare,
  });
  fc.assert(
    fc.property(view, ({ hours, ...rest }) => {
      const shown = { ...rest, to: rest.from + hours * 3600 };
      const query = Object.fromEntries(new URLSearchParams(viewQuery(shown, clock)));
      expect(readView(query, clock, now)).toEqual(shown);
    }),
  );
});

test("what makes no sense in an address is as usual", () => {
  const query = { from: "2026-13-77x", resolution: "PT1S", show: "cake", compare: "../../x,," };
  expect(readView(query, clock, now)).toMatchObject({ from: midnight(11, 23), resolution: "auto", show: "curve" });
  expect(readView({ from: "2026-12-10", to: "2026-12-01" }, clock, now).from).toBeLessThan(midnight(12, 1));
});

test("a month is followed by a month, ten days by ten days, over the clock change", () => {
  const october = { from: midnight(10, 1), to: midnight(11, 1) };
  expect(spanOf(october, clock)).toBe("month");
  expect(step(october, -1, clock)).toEqual({ from: midnight(9, 1), to: midnight(10, 1) });
  expect(step(october, 1, clock)).toEqual({ from: midnight(11, 1), to: midnight(12, 1) });
  expect(step({ from: midnight(10, 20), to: midnight(10, 30) }, 1, clock)).toEqual({
    from: midnight(10, 30),
    to: midnight(11, 9),
  });
  expect(step({ from: midnight(1, 1), to: midnight(1, 1, 2027) }, -1, clock).from).toBe(midnight(1, 1, 2025));
});

test("the month and the year before begin at the same day and have as many days", () => {
  const march = { from: midnight(3, 1), to: midnight(4, 1) };
  expect(earlierRange(march, "month", clock)).toEqual({ from: midnight(2, 1), to: midnight(3, 4) });
  expect(earlierRange(march, "year", clock)).toEqual({ from: midnight(3, 1, 2025), to: midnight(4, 1, 2025) });
});

test("a long range is shown in steps that the API answers", () => {
  const view = readView({ from: "2020-01-01", to: "2026-01-01", resolution: "PT15M" }, clock, now);
  expect(resolutionOf(view)).toBe("P1D");
  expect(resolutionOf({ ...view, from: midnight(1, 1), to: midnight(1, 1, 2027) })).toBe("PT15M");
  expect(resolutionOf({ ...view, resolution: "auto", from: midnight(1, 1), to: midnight(1, 1, 2027) })).toBe("P1D");
});
