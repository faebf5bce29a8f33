import { expect, test } from "vitest";
import { zoneClock } from "./zone-clock.ts";

const at = (text: string) => Date.parse(text) / 1000;

test("days of 23, 24 and 25 hours", () => {
  const clock = zoneClock("Europe/Kyiv");
  const hours = (from: string, to: string) => {
    const edges = clock.dayEdges(at(from), at(to));
    return edges.slice(1).map((edge, index) => (edge - (edges[index] as number)) / 3600);
  };
  expect(hours("2026-03-27T22:00:00Z", "2026-03-30T21:00:00Z")).toEqual([24, 23, 24]);
  expect(hours("2026-10-23T21:00:00Z", "2026-10-26T22:00:00Z")).toEqual([24, 25, 24]);
});

test.each(["Europe/Kyiv", "Asia/Kolkata", "America/Sao_Paulo", "Australia/Lord_Howe", "UTC", "America/St_Johns"])(
  "%s: every day of twenty years begins when its date does",
  (zone) => {
    const clock = zoneClock(zone);
    let day = clock.midnight(2010, 1, 1);
    for (let count = 0; count < 7305; count += 1) {
      const date = new Date(Date.UTC(2010, 0, 1 + count));
      expect(clock.dateOf(day)).toMatchObject({ month: date.getUTCMonth() + 1, day: date.getUTCDate() });
      // Sao Paulo once had days that began at one.
      expect(clock.dateOf(day - 1).day).not.toBe(clock.dateOf(day).day);
      expect(clock.dayOf(day + 3600)).toBe(day);
      day = clock.addDays(day, 1);
    }
  },
);

test("a month later is the same day, or the month's last", () => {
  const clock = zoneClock("Europe/Kyiv");
  expect(clock.addMonths(clock.midnight(2026, 3, 31), -1)).toBe(clock.midnight(2026, 2, 28));
  expect(clock.addMonths(clock.midnight(2024, 2, 29), 12)).toBe(clock.midnight(2025, 2, 28));
  expect(clock.addMonths(clock.midnight(2026, 11, 15), 2)).toBe(clock.midnight(2027, 1, 15));
});

test("the wall clock shows one hour twice in autumn", () => {
  const clock = zoneClock("Europe/Kyiv");
  expect(clock.wallSeconds(at("2026-10-25T00:30:00Z"))).toBe(3.5 * 3600);
  expect(clock.wallSeconds(at("2026-10-25T01:30:00Z"))).toBe(3.5 * 3600);
});
