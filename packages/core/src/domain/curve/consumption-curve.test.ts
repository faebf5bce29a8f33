import fc from "fast-check";
import { expect, test } from "vitest";
import type { ReadingSeries } from "../reading/reading.ts";
import { localCalendar } from "../time/local-calendar.ts";
import { nativeRegisterCurve, registerCurve } from "./consumption-curve.ts";
import { intervalCurve, intervalsOf, nativeIntervalCurve } from "./interval-curve.ts";

const at = (text: string) => Date.parse(text) / 1000;
const midnight = at("2026-10-31T00:00:00Z");

type Row = readonly [minute: number, value: number, code?: number];

function series(stepSeconds: number, rows: readonly Row[]): ReadingSeries {
  const kind = stepSeconds === 0 ? "register" : "interval";
  return {
    channel: { register: "1.8.0", kind, unit: "Wh", stepSeconds },
    at: rows.map(([minute]) => midnight + minute * 60),
    value: rows.map(([, value]) => value),
    code: rows.map(([, , code]) => code ?? 0),
  };
}

const kyiv = { calendar: localCalendar("Europe/Kyiv"), multiplier: 1 };
const edges = (...minutes: number[]) => minutes.map((minute) => midnight + minute * 60);

test.for<{ case: string; rows: Row[]; expected: unknown[] }>([
  {
    case: "the difference of the ends",
    rows: [
      [0, 100],
      [20, 150],
      [60, 300],
    ],
    expected: [[200, "actual"]],
  },
  {
    case: "no use is 0, not missing",
    rows: [
      [0, 100],
      [60, 100],
    ],
    expected: [[0, "actual"]],
  },
  {
    case: "nothing at the start",
    rows: [
      [1, 100],
      [60, 300],
    ],
    expected: [[null, "missing"]],
  },
  {
    case: "nothing at the end",
    rows: [
      [0, 100],
      [59, 300],
    ],
    expected: [[null, "missing"]],
  },
  { case: "nothing at all", rows: [], expected: [[null, "missing"]] },
  {
    case: "backwards",
    rows: [
      [0, 300],
      [60, 100],
    ],
    expected: [[null, "suspect"]],
  },
  {
    case: "backwards inside and higher again",
    rows: [
      [0, 100],
      [20, 150],
      [30, 5],
      [60, 300],
    ],
    expected: [[null, "suspect"]],
  },
  {
    case: "an estimate inside may overshoot",
    rows: [
      [0, 100],
      [20, 900, 2],
      [60, 300],
    ],
    expected: [[200, "actual"]],
  },
  {
    case: "the worse end decides",
    rows: [
      [0, 100, 1],
      [60, 300, 2],
    ],
    expected: [[200, "estimated"]],
  },
])("register step: $case", ({ rows, expected }) => {
  const points = registerCurve(series(0, rows), edges(0, 60), 1);
  expect(points.map(({ consumption, quality }) => [consumption, quality])).toEqual(expected);
});

test("a register curve carries on from step to step, times the multiplier", () => {
  const points = registerCurve(
    series(0, [
      [0, 1],
      [60, 3],
      [120, 3],
      [180, 9],
    ]),
    edges(0, 60, 120, 180, 240),
    40,
  );
  expect(points.map(({ consumption }) => consumption)).toEqual([80, 0, 240, null]);
  expect(points.map(({ from }) => from)).toEqual(edges(0, 60, 120, 180));
});

test("native register points lie between consecutive readings, also over the seam of two parts", () => {
  const whole = nativeRegisterCurve(
    series(0, [
      [0, 1],
      [7, 5],
      [60, 2],
      [61, 3],
    ]),
    undefined,
    1,
  );
  expect(whole.map(({ consumption, quality }) => [consumption, quality])).toEqual([
    [4, "actual"],
    [null, "suspect"],
    [1, "actual"],
  ]);
  const first = nativeRegisterCurve(
    series(0, [
      [0, 1],
      [7, 5],
    ]),
    undefined,
    1,
  );
  const rest = nativeRegisterCurve(
    series(0, [
      [60, 2],
      [61, 3],
    ]),
    { at: midnight + 420, value: 5, code: 0 },
    1,
  );
  expect([...first, ...rest]).toEqual(whole);
});

test.for<{ case: string; channels: ReadingSeries[]; expected: unknown[] }>([
  {
    case: "the sum where all of it is there",
    channels: [
      series(900, [
        [15, 1],
        [30, 2],
        [45, 3],
        [60, 4],
      ]),
    ],
    expected: [[10, "actual", undefined, undefined]],
  },
  {
    case: "part of it is null and says how much",
    channels: [
      series(900, [
        [15, 1],
        [45, 3],
        [60, 4],
      ]),
    ],
    expected: [[null, "incomplete", 3, 4]],
  },
  { case: "nothing", channels: [series(900, [])], expected: [[null, "missing", undefined, undefined]] },
  {
    case: "longer than the step is not split",
    channels: [series(7200, [[120, 50]])],
    expected: [[null, "missing", undefined, undefined]],
  },
  {
    case: "over the edge is not split",
    channels: [
      series(1800, [
        [45, 1],
        [75, 1],
      ]),
    ],
    expected: [[null, "incomplete", 1, 2]],
  },
  {
    case: "two step lengths, none twice",
    channels: [
      series(900, [
        [15, 1],
        [30, 2],
      ]),
      series(1800, [
        [30, 3],
        [60, 9],
      ]),
    ],
    expected: [[12, "actual", undefined, undefined]],
  },
  {
    case: "the worst counts",
    channels: [
      series(1800, [
        [30, 1, 2],
        [60, 1, 1],
      ]),
    ],
    expected: [[2, "estimated", undefined, undefined]],
  },
])("interval step: $case", ({ channels, expected }) => {
  const points = intervalCurve(intervalsOf(channels), edges(0, 60), 1);
  expect(points.map(({ consumption, quality, present, expected: of }) => [consumption, quality, present, of])).toEqual(
    expected,
  );
});

test("native intervals show what is missing, a point per step, also over the seam of two parts", () => {
  const whole = nativeIntervalCurve(
    intervalsOf([
      series(900, [
        [30, 2],
        [75, 4],
      ]),
    ]),
    { reached: midnight, hasBegun: false },
    { ...kyiv, fillTo: midnight + 95 * 60 },
  ).points;
  expect(whole.map(({ from, to, consumption }) => [(from - midnight) / 60, (to - midnight) / 60, consumption])).toEqual(
    [
      [0, 15, null],
      [15, 30, 2],
      [30, 45, null],
      [45, 60, null],
      [60, 75, 4],
      [75, 90, null],
    ],
  );
  const first = nativeIntervalCurve(
    intervalsOf([series(900, [[30, 2]])]),
    { reached: midnight, hasBegun: false },
    { ...kyiv, fillTo: undefined },
  );
  const rest = nativeIntervalCurve(intervalsOf([series(900, [[75, 4]])]), first.cursor, {
    ...kyiv,
    fillTo: midnight + 95 * 60,
  });
  expect([...first.points, ...rest.points]).toEqual(whole);
});

test.for([
  {
    case: "C09: local days, from the first one's start",
    step: 86_400,
    from: "2026-10-01T21:00:00Z",
    days: [1, 2],
    to: "2026-10-03T21:00:00Z",
    expected: [
      ["10-01T21", "10-02T21", 7],
      ["10-02T21", "10-03T21", 7],
    ],
  },
  {
    case: "C16: a day of 25 hours that is missing is one step",
    step: 86_400,
    from: "2026-10-23T21:00:00Z",
    days: [23, 26],
    to: "2026-10-27T22:00:00Z",
    expected: [
      ["10-23T21", "10-24T21", 7],
      ["10-24T21", "10-25T22", null],
      ["10-25T22", "10-26T22", null],
      ["10-26T22", "10-27T22", 7],
    ],
  },
  {
    case: "C09: nothing at all: local days",
    step: 86_400,
    from: "2026-10-01T10:00:00Z",
    days: [],
    to: "2026-10-03T22:00:00Z",
    expected: [
      ["10-01T21", "10-02T21", null],
      ["10-02T21", "10-03T21", null],
    ],
  },
])("native curve, $case", ({ step, from, to, days, expected }) => {
  const { calendar } = kyiv;
  const starts = days.map((day) => calendar.addDays(calendar.dayOf(at("2026-10-01T12:00:00Z")), day));
  const ends = starts.map((start) => calendar.addDays(start, 1));
  const intervals = { from: starts, to: ends, value: ends.map(() => 7), code: ends.map(() => 0), stepSeconds: step };
  const { points } = nativeIntervalCurve(
    intervals,
    { reached: at(from), hasBegun: false },
    { ...kyiv, fillTo: at(to) },
  );
  const short = (seconds: number) => new Date(seconds * 1000).toISOString().slice(5, 13);
  expect(points.map((point) => [short(point.from), short(point.to), point.consumption])).toEqual(expected);
});

test("C07: the last hour, sent every quarter of an hour: as many steps as there are hours, none twice", () => {
  const hours = series(
    3600,
    Array.from({ length: 21 }, (_, i) => [60 + i * 15, 4] as const),
  );
  const intervals = intervalsOf([hours]);
  expect(intervals.to.map((to) => (to - midnight) / 60)).toEqual([60, 120, 180, 240, 300, 360]);
  expect(intervalCurve(intervals, edges(0, 60, 120, 180, 240, 300, 360), 1).map((one) => one.consumption)).toEqual([
    4, 4, 4, 4, 4, 4,
  ]);
});

test("C08: a stray quarter takes nothing from its hour", () => {
  const hours = series(3600, [
    [60, 4],
    [120, 5],
  ]);
  const intervals = intervalsOf([hours, series(900, [[75, 1]])]);
  expect(intervals.value).toEqual([4, 5]);
  expect(intervals.stepSeconds).toBe(3600);
});

test("a suspect interval is no amount, and stands where nothing else does", () => {
  const suspect = 3;
  const alone = intervalsOf([
    series(3600, [
      [60, 4],
      [120, 900, suspect],
    ]),
  ]);
  expect(
    intervalCurve(alone, edges(0, 60, 120, 180), 1).map(({ consumption, quality }) => [consumption, quality]),
  ).toEqual([
    [4, "actual"],
    [null, "suspect"],
    [null, "missing"],
  ]);
  const range = { ...kyiv, fillTo: midnight + 120 * 60 };
  const { points } = nativeIntervalCurve(alone, { reached: midnight, hasBegun: false }, range);
  expect(points.map(({ consumption, quality }) => [consumption, quality])).toEqual([
    [4, "actual"],
    [null, "suspect"],
  ]);
  const finer = intervalsOf([
    series(3600, [[60, 900, suspect]]),
    series(1800, [
      [30, 2],
      [60, 2],
    ]),
  ]);
  expect(intervalCurve(finer, edges(0, 60), 1)).toMatchObject([{ consumption: 4, quality: "actual" }]);
});

/** Taking readings away may only turn numbers into null, never into other numbers. */
test("a lost reading makes a hole, not another number", () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(100), fc.boolean()), { minLength: 2, maxLength: 40 }), (rows) => {
      const all: Row[] = [];
      for (const [use] of rows) all.push([all.length * 15, (all.at(-1)?.[1] ?? 0) + use]);
      const kept = all.filter((_, i) => rows[i]?.[1] === true);
      const steps = edges(...all.map(([minute]) => minute));
      const truth = registerCurve(series(0, all), steps, 1);
      registerCurve(series(0, kept), steps, 1).forEach((point, i) => {
        if (point.consumption !== null) expect(point).toEqual(truth[i]);
        else expect(point.quality).toBe("missing");
      });
    }),
  );
});

test("an interval over an edge counts for neither side", () => {
  const straddling = intervalsOf([
    series(1800, [
      [30, 1],
      [75, 7],
      [105, 2],
    ]),
  ]);
  const points = intervalCurve(straddling, edges(0, 60, 120), 1);
  expect(points.map(({ consumption, present, expected }) => [consumption, present, expected])).toEqual([
    [null, 1, 2],
    [null, 1, 2],
  ]);
});
