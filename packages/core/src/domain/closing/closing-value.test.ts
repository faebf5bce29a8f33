import fc from "fast-check";
import { expect, test } from "vitest";
import type { Columns, ReadingQuality, ReadingSeries } from "../reading/reading.ts";
import { emptyColumns, pushReading, readingAt, readingCode } from "../reading/reading.ts";
import { closingValue, columnsOf } from "./closing-value.ts";

const boundary = Date.parse("2026-10-31T22:00:00Z") / 1000;
const minute = 60;
const hour = 3600;
const day = 86_400;

type Row = readonly [secondsFromBoundary: number, value: number, quality?: ReadingQuality];

function columns(rows: readonly Row[]): Columns {
  const made = emptyColumns();
  for (const [offset, value, quality] of rows)
    pushReading(made, boundary + offset, value, readingCode(quality ?? "actual", "remote"));
  return made;
}

function quarterHours(rows: readonly Row[]): ReadingSeries {
  return { channel: { register: "1.8.0", kind: "interval", unit: "Wh", stepSeconds: 900 }, ...columns(rows) };
}

/** Each row is the rule: readings around the boundary, then method, value and quality. */
test.for<{ case: string; readings: Row[]; intervals?: Row[]; method: string; value: number | null; quality: string }>([
  {
    case: "a reading at the boundary",
    readings: [
      [-900, 90],
      [0, 100],
      [900, 110],
    ],
    method: "EXACT",
    value: 100,
    quality: "actual",
  },
  {
    case: "59 s early",
    readings: [
      [-59, 100],
      [900, 110],
    ],
    method: "EXACT",
    value: 100,
    quality: "actual",
  },
  {
    case: "60 s late",
    readings: [
      [-900, 90],
      [60, 101],
    ],
    method: "EXACT",
    value: 101,
    quality: "actual",
  },
  {
    case: "the closer one",
    readings: [
      [-40, 100],
      [20, 101],
    ],
    method: "EXACT",
    value: 101,
    quality: "actual",
  },
  {
    case: "at a tie the one before",
    readings: [
      [-20, 100],
      [20, 101],
    ],
    method: "EXACT",
    value: 100,
    quality: "actual",
  },
  {
    case: "61 s is not exact",
    readings: [
      [-61, 100],
      [61, 222],
    ],
    method: "LINEAR_SHORT",
    value: 161,
    quality: "derived",
  },
  {
    case: "a line over two hours",
    readings: [
      [-hour, 100],
      [hour, 200],
    ],
    method: "LINEAR_SHORT",
    value: 150,
    quality: "derived",
  },
  {
    case: "rounded down to a whole unit",
    readings: [
      [-hour, 100],
      [hour, 201],
    ],
    method: "LINEAR_SHORT",
    value: 150,
    quality: "derived",
  },
  {
    case: "a second over two hours is spread",
    readings: [
      [-hour, 100],
      [hour + 1, 200],
    ],
    method: "FLAT_BETWEEN",
    value: 149,
    quality: "estimated",
  },
  {
    case: "five days apart",
    readings: [
      [-day, 1000],
      [4 * day, 6000],
    ],
    method: "FLAT_BETWEEN",
    value: 2000,
    quality: "estimated",
  },
  {
    case: "more than five days apart",
    readings: [
      [-day - 1, 1000],
      [4 * day, 6000],
    ],
    method: "MISSING",
    value: null,
    quality: "missing",
  },
  { case: "only before", readings: [[-hour, 100]], method: "MISSING", value: null, quality: "missing" },
  { case: "only after", readings: [[hour, 100]], method: "MISSING", value: null, quality: "missing" },
  { case: "nothing at all", readings: [], method: "MISSING", value: null, quality: "missing" },
  {
    case: "backwards across the boundary",
    readings: [
      [-hour, 200],
      [hour, 100],
    ],
    method: "MISSING",
    value: null,
    quality: "missing",
  },
  {
    case: "an estimate at the boundary gives way to a line between actual readings",
    readings: [
      [-hour, 100],
      [0, 199, "estimated"],
      [hour, 200],
    ],
    method: "LINEAR_SHORT",
    value: 150,
    quality: "derived",
  },
  {
    case: "an estimate where there is nothing else",
    readings: [[0, 199, "estimated"]],
    method: "EXACT",
    value: 199,
    quality: "estimated",
  },
  {
    case: "the meter's estimate at the boundary is no better than a spread of actual readings",
    readings: [
      [-day, 0],
      [0, 9, "estimated"],
      [day, 20],
    ],
    method: "FLAT_BETWEEN",
    value: 10,
    quality: "estimated",
  },
  {
    case: "a derived reading at the boundary is better than a spread",
    readings: [
      [-day, 0],
      [0, 9, "derived"],
      [day, 20],
    ],
    method: "EXACT",
    value: 9,
    quality: "derived",
  },
  {
    case: "a suspect reading as the last resort",
    readings: [[0, 7, "suspect"]],
    method: "EXACT",
    value: 7,
    quality: "suspect",
  },
  {
    case: "a line from a suspect reading is suspect",
    readings: [
      [-hour, 100, "suspect"],
      [hour, 200],
    ],
    method: "LINEAR_SHORT",
    value: 150,
    quality: "suspect",
  },
  {
    case: "register plus intervals",
    readings: [[-1800, 1000]],
    intervals: [
      [-900, 25],
      [0, 30],
    ],
    method: "REG_PLUS_INTERVALS",
    value: 1055,
    quality: "derived",
  },
  {
    case: "scaled to the register after",
    readings: [
      [-1800, 1000],
      [900, 1180],
    ],
    intervals: [
      [-900, 25],
      [0, 35],
      [900, 30],
    ],
    method: "REG_PLUS_INTERVALS",
    value: 1120,
    quality: "derived",
  },
  {
    case: "a hole in the intervals: the line instead",
    readings: [
      [-1800, 1000],
      [1800, 1100],
    ],
    intervals: [[0, 30]],
    method: "LINEAR_SHORT",
    value: 1050,
    quality: "derived",
  },
  {
    case: "intervals that would pass the register after are not believed",
    readings: [
      [-1800, 1000],
      [1800, 1040],
    ],
    intervals: [
      [-900, 25],
      [0, 30],
    ],
    method: "LINEAR_SHORT",
    value: 1020,
    quality: "derived",
  },
  {
    case: "with an estimated interval the sum is estimated",
    readings: [[-1800, 1000]],
    intervals: [
      [-900, 25, "estimated"],
      [0, 30],
    ],
    method: "REG_PLUS_INTERVALS",
    value: 1055,
    quality: "estimated",
  },
  {
    case: "an anchor of more than 35 days ago is none",
    readings: [[-35 * day - 900, 1]],
    intervals: [],
    method: "MISSING",
    value: null,
    quality: "missing",
  },
])("$case", ({ readings, intervals, method, value, quality }) => {
  const found = closingValue(columns(readings), intervals === undefined ? [] : [quarterHours(intervals)], boundary);
  expect({ method: found.method, value: found.value, quality: found.quality }).toEqual({ method, value, quality });
});

const increasing = fc
  .array(fc.tuple(fc.integer({ min: 1, max: 3 * day }), fc.nat(5000)), { minLength: 1, maxLength: 30 })
  .map((steps) => {
    let at = -10 * day;
    let value = 1000;
    return steps.map(([gap, used]): Row => {
      at += gap;
      value += used;
      return [at, value];
    });
  });

test("for actual readings of a register that only counts up, the two neighbours of the boundary decide", () => {
  fc.assert(
    fc.property(increasing, (rows) => {
      const all = columns(rows);
      const after = rows.findIndex(([offset]) => offset > 0);
      const split = after === -1 ? rows.length : after;
      const neighbours = columnsOf(
        split === 0 ? undefined : readingAt(all, split - 1),
        split === rows.length ? undefined : readingAt(all, split),
      );
      expect(closingValue(neighbours, [], boundary)).toEqual(closingValue(all, [], boundary));
    }),
  );
});

test("a value lies between its neighbours", () => {
  fc.assert(
    fc.property(increasing, (rows) => {
      const { value, before, after } = closingValue(columns(rows), [], boundary);
      if (value === null || before === null || after === null) return;
      expect(value).toBeGreaterThanOrEqual(before.value);
      expect(value).toBeLessThanOrEqual(after.value);
    }),
  );
});

test("amounts too large for exact doubles are shared out exactly", () => {
  const huge = 9_000_000_000_000_000;
  const found = closingValue(
    columns([
      [-1, 0],
      [3 * minute, huge],
    ]),
    [],
    boundary,
    {
      snapSeconds: 0,
      linearGapSecondsMax: hour,
      flatGapSecondsMax: day,
      lookBackSecondsMax: day,
    },
  );
  expect(found.value).toBe(Number((BigInt(huge) * 1n) / 181n));
});
