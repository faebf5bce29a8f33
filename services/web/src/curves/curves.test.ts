import { expect, test } from "vitest";
import { zoneClock } from "../time/zone-clock.ts";
import { alignCurve } from "./align-curve.ts";
import { type Curve, curveOf, qualityAt, stepAt } from "./curve.ts";
import { colourOf, dayGrid, noCell, quantileEdges } from "./day-grid.ts";
import { figuresOf, loadDuration, sharedOf } from "./figures.ts";
import { typicalDays } from "./typical-day.ts";

const clock = zoneClock("Europe/Kyiv");
const later = Date.parse("2030-01-01T00:00:00Z") / 1000;
const text = (at: number) => new Date(at * 1000).toISOString().replace(".000", "");

/** Quarter hours from one local midnight to another; the value is the step's number. */
function quarterHours(from: number, to: number, value = (i: number): number | null => i, quality = "actual"): Curve {
  const items = Array.from({ length: (to - from) / 900 }, (_, i) => {
    const consumption = value(i);
    const at = { from: text(from + i * 900), to: text(from + (i + 1) * 900) };
    return { ...at, consumption, quality: consumption === null ? "missing" : quality };
  });
  return curveOf({ meterId: "m-1", register: "1.8.0", unit: "Wh", zone: clock.zone, items }, later);
}

test("instants are read as Date.parse reads them, over leap years and centuries", () => {
  for (let at = 0; at < 4_102_444_800; at += 86_400 * 13 + 3607) {
    const curve = quarterHours(at, at + 900);
    expect(curve.from[0]).toBe(at);
  }
});

test("what is not known is no number and never 0, and what is to come is not missing", () => {
  const from = Date.parse("2026-10-01T00:00:00Z") / 1000;
  const items = [null, 0, 5, null].map((consumption, i) => ({
    from: text(from + i * 900),
    to: text(from + (i + 1) * 900),
    consumption,
    quality: consumption === null ? "missing" : "estimated",
  }));
  const head = { meterId: "m-1", register: "1.8.0", unit: "Wh", zone: clock.zone };
  const curve = curveOf({ ...head, items }, from + 2700);
  expect([...curve.value]).toEqual([Number.NaN, 0, 5, Number.NaN]);
  expect([0, 1, 2, 3].map((i) => qualityAt(curve, i))).toEqual(["missing", "estimated", "estimated", "future"]);
  expect(figuresOf(curve)).toMatchObject({ total: 5, expected: 3, known: 2, estimated: 2 });
  expect(stepAt(curve, from + 1799)).toBe(1);
  expect(stepAt(curve, from - 1)).toBe(-1);
});

test("a range of which nothing is known has no total, and one of which little is known has that", () => {
  const day = clock.midnight(2026, 6, 1);
  expect(figuresOf(quarterHours(day, day + 3600, () => null))).toMatchObject({ total: undefined, known: 0 });
  expect(figuresOf(quarterHours(day, day))).toMatchObject({ total: undefined, expected: 0 });
  expect(figuresOf(quarterHours(day, day + 3600, (i) => (i === 2 ? 0 : null)))).toMatchObject({ total: 0, known: 1 });
});

test("peak and base load are powers, whatever the step", () => {
  const day = clock.midnight(2026, 6, 1);
  const curve = quarterHours(day, day + 86_400, (i) => (i === 40 ? 500 : 25));
  expect(figuresOf(curve)).toMatchObject({ peak: { watts: 2000, from: day + 36_000 }, baseWatts: 100 });
  expect([...loadDuration(curve)].slice(0, 2)).toEqual([2000, 100]);
});

test("a range that is not over is compared with as much of the one before", () => {
  const [day, next] = [clock.midnight(2026, 6, 1), clock.midnight(2026, 6, 3)];
  const whole = quarterHours(day, next, () => 10);
  const begun = quarterHours(day, next, (i) => (i < 96 ? 12 : null));
  expect(sharedOf(begun, whole)).toEqual({ own: 1152, other: 960, isPart: true });
  expect(sharedOf(whole, begun)).toEqual({ own: 960, other: 1152, isPart: true });
  expect(sharedOf(whole, whole)).toEqual({ own: 1920, other: 1920, isPart: false });
  const elsewhere = quarterHours(clock.midnight(2026, 7, 1), clock.midnight(2026, 7, 2));
  expect(sharedOf(whole, elsewhere)).toEqual({ own: 0, other: 0, isPart: true });
});

test("in spring an hour is not on the clock, and every step has its place", () => {
  const day = clock.midnight(2026, 3, 29);
  const curve = quarterHours(day, clock.addDays(day, 1));
  const { steps, rows } = dayGrid(curve, clock);
  expect([curve.from.length, rows]).toEqual([92, 96]);
  const at = (hour: number) => steps[hour * 4 * 2];
  expect([at(2), at(3), at(4), at(23)]).toEqual([8, noCell.notOnTheClock, 12, 88]);
  expect(new Set([...steps].filter((step) => step >= 0)).size).toBe(92);
});

test("in autumn an hour comes twice, side by side, and no step is lost", () => {
  const day = clock.midnight(2026, 10, 25);
  const curve = quarterHours(day, clock.addDays(day, 1));
  const { steps } = dayGrid(curve, clock);
  expect(curve.from.length).toBe(100);
  const halves = (hour: number) => [steps[hour * 8], steps[hour * 8 + 1]];
  expect([halves(2), halves(3), halves(4)]).toEqual([
    [8, 8],
    [12, 16],
    [20, 20],
  ]);
  expect(new Set(steps).size).toBe(100);
});

test("an hour of steps has its places too, and a day that is not over has none for what is left", () => {
  const day = clock.midnight(2026, 10, 24);
  const { days, steps } = dayGrid(quarterHours(day, day + 7200), clock);
  expect([days.length, steps[7 * 2], steps[8 * 2]]).toEqual([1, 7, noCell.outside]);
});

test("one outlier takes one colour and no more", () => {
  const values = Float64Array.from({ length: 1000 }, (_, i) => (i === 0 ? 1e9 : i));
  const edges = quantileEdges(values, 10);
  const shown = [...values].map((value) => colourOf(edges, value));
  const counts = Array.from({ length: 10 }, (_, colour) => shown.filter((one) => one === colour).length);
  expect(counts.every((count) => count >= 99 && count <= 101)).toBe(true);
  expect(quantileEdges(new Float64Array(5), 10)).toEqual([0]);
});

test("a month is laid over the one before, day over day, whatever the clock did", () => {
  const [october, november, december] = [10, 11, 12].map((month) => clock.midnight(2026, month, 1)) as [
    number,
    number,
    number,
  ];
  const before = alignCurve(quarterHours(october, november), clock, october, { from: november, to: december });
  const days = clock.dayEdges(november, december);
  const firsts = days.slice(0, -1).map((day) => before.value[stepAt(before, day)]);
  const expected = clock.dayEdges(october, november).map((day) => (day - october) / 900);
  expect(firsts).toEqual(expected.slice(0, 30));
  // Of the 25-hour day the last hour is left out, and all of the 31st.
  expect(before.from.length).toBe(30 * 96);
  expect(before.from.every((at, i) => i === 0 || at >= (before.to[i - 1] as number))).toBe(true);
});

test("the typical day of a weekday is by the wall clock", () => {
  const from = clock.midnight(2026, 10, 5);
  const to = clock.midnight(2026, 11, 2);
  const curve = quarterHours(from, to, (i) => {
    const hour = clock.wallSeconds(from + i * 900) / 3600;
    return hour >= 8 && hour < 9 ? 250 : 25;
  });
  const typical = typicalDays(curve, clock, 900);
  expect(typical.map(({ days }) => days)).toEqual([4, 4, 4, 4, 4, 4, 4]);
  for (const { median, low, high } of typical) {
    expect([median[31], median[32], median[35], median[36]]).toEqual([100, 1000, 1000, 100]);
    expect([low[32], high[31]]).toEqual([1000, 100]);
  }
});
