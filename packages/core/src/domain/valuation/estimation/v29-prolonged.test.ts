// Goal: V29 is said after sixty days without a believed reading, and not before; a month of which only the end is known
// has no use, not none at all.
// Method: whole months by the engine, each with what was made of those before as its history.
import { expect, test } from "vitest";
import { emptyColumns, pushReading, readingAt, readingCode } from "../../reading/reading.ts";
import { localCalendar } from "../../time/local-calendar.ts";
import type { KnownChannel, KnownMeter } from "../known-meter.ts";
import { monthsOf } from "../month-content.ts";

const kyiv = localCalendar("Europe/Kyiv");
const january = 2026 * 12;
const day = 86_400;

type Row = readonly [at: number, kWh: number, quality?: "actual" | "suspect"];

function channel(stepSeconds: number, rows: readonly Row[]): KnownChannel {
  const readings = emptyColumns();
  for (const [at, kWh, quality = "actual"] of rows) {
    pushReading(readings, at, kWh * 1000, readingCode(quality, "remote"));
  }
  const kind = stepSeconds === 0 ? ("register" as const) : ("interval" as const);
  return { channel: { register: "1.8.0", kind, unit: "Wh", stepSeconds }, first: readingAt(readings, 0), readings };
}

const expected = { meterId: "m", usagePointId: "m", registers: [{ register: "1.8.0", unit: "Wh" as const }] };
const withAnnualUse = { ...expected, registers: [{ register: "1.8.0", unit: "Wh" as const, annualUse: 3_652_500 }] };

function rowsOf(known: Partial<KnownMeter>, months: number) {
  const meter = { meterId: "m", record: undefined, channels: [], ...known };
  return monthsOf(meter, { from: january, to: january + months - 1 }, kyiv).map(({ registers: [row] }) => ({
    method: row?.method,
    quality: row?.quality,
    consumption: row?.consumption,
    isProlonged: row?.findings.some(({ rule }) => rule === "V29"),
  }));
}

const at = (period: number, days = 0) => kyiv.startOf(period) + days * day;

/** An hour of each day of January, so that the month is incomplete. */
const someOfJanuary = channel(
  3600,
  Array.from({ length: 31 }, (_, index) => [at(january, index) + 3600, 1] as const),
);

const daysOfJanuary = channel(
  day,
  Array.from({ length: 31 }, (_, index) => [at(january, index + 1), 1] as const),
);

const onlyLater: KnownChannel = channel(0, [
  [at(january, 3), 5, "suspect"],
  [at(january + 5, 3), 100],
  [at(january + 6), 200],
]);

test.each([
  { case: "intervals of a whole month", of: { channels: [daysOfJanuary] }, prolongedFrom: 3 },
  {
    case: "a month of which some is missing",
    of: { channels: [someOfJanuary], record: withAnnualUse },
    prolongedFrom: 3,
  },
  { case: "never read, a use of a year is expected", of: { record: withAnnualUse }, prolongedFrom: 2 },
  { case: "never read, and nothing expected", of: { record: expected }, prolongedFrom: Number.POSITIVE_INFINITY },
  { case: "only what comes later is believed", of: { channels: [onlyLater], record: withAnnualUse }, prolongedFrom: 2 },
])("$case: V29 from month $prolongedFrom on", ({ of, prolongedFrom }) => {
  const found = rowsOf(of, 4).map(({ isProlonged }) => isProlonged);
  expect(found).toEqual([0, 1, 2, 3].map((month) => month >= prolongedFrom));
});

test.each([
  { case: "at the midnight", seconds: 0 },
  { case: "half a minute before it", seconds: -30 },
  { case: "half a minute behind it", seconds: 30 },
])("a month whose only believed reading is its closing, $case, has no use that anybody knows", ({ seconds }) => {
  const closing = channel(0, [
    [at(january, 3), 5, "suspect"],
    [at(january + 1) + seconds, 100],
    [at(january + 2), 160],
  ]);
  expect(rowsOf({ channels: [closing] }, 2)).toMatchObject([
    { quality: "incomplete", consumption: null, method: "EXACT" },
    { quality: "actual", consumption: 60_000 },
  ]);
});
