import fc from "fast-check";
import { expect, test } from "vitest";
import type { BaseUnit, Kind, ReadingQuality } from "../reading/reading.ts";
import { emptyColumns, pushReading, readingAt, readingCode } from "../reading/reading.ts";
import type { MeterRecord } from "../registry/meter-record.ts";
import { localCalendar } from "../time/local-calendar.ts";
import type { KnownChannel, KnownMeter } from "./known-meter.ts";
import { monthsOf } from "./month-content.ts";

const kyiv = localCalendar("Europe/Kyiv");
const september = 2026 * 12 + 8;

function seconds(instant: string): number {
  return Date.parse(`${instant.length === 16 ? instant : instant}Z`) / 1000;
}

type Row = readonly [at: string | number, value: number, quality?: ReadingQuality];

/** Values in kWh. */
function channel(rows: readonly Row[], of: { kind?: Kind; stepSeconds?: number; unit?: BaseUnit } = {}): KnownChannel {
  const readings = emptyColumns();
  for (const [at, value, quality] of rows) {
    const instant = typeof at === "number" ? at : seconds(at);
    pushReading(readings, instant, Math.round(value * 1000), readingCode(quality ?? "actual", "remote"));
  }
  const { kind = "register", stepSeconds = 0, unit = "Wh" } = of;
  return { channel: { register: "1.8.0", kind, unit, stepSeconds }, first: readingAt(readings, 0), readings };
}

function meter(channels: readonly KnownChannel[], record: Partial<MeterRecord> = {}): KnownMeter {
  return { meterId: "m-1", record: { meterId: "m-1", usagePointId: "up-1", registers: [], ...record }, channels };
}

const register = (entry: { digits?: number; multiplier?: number }) => ({
  registers: [{ register: "1.8.0", unit: "Wh" as const, ...entry }],
});

/** Consumption in kWh, quality, method, opening basis of each month. */
function months(known: KnownMeter, from: number, count: number, calendar = kyiv) {
  return monthsOf(known, { from, to: from + count - 1 }, calendar).map(({ registers: [row] }) => ({
    kWh: row?.consumption === null || row === undefined ? null : row.consumption / 1000,
    quality: row?.quality,
    method: row?.method,
    basis: row?.openingBasis,
    rules: [...new Set(row?.findings.map(({ rule }) => rule))].join(" "),
    fault: row?.fault,
  }));
}

test("a zero at the month's end is suspect, and no month opens with it", () => {
  const rows: Row[] = [
    ["2026-08-31T21:00", 40_000],
    ["2026-09-15T09:00", 40_060],
    ["2026-09-30T21:00", 0],
    ["2026-09-30T21:01:10", 40_120],
    ["2026-10-31T22:00", 40_250],
  ];
  expect(months(meter([channel(rows)]), september, 2)).toMatchObject([
    { kWh: 119.997, quality: "estimated", method: "FLAT_BETWEEN", rules: "V15" },
    { kWh: 130.003, quality: "estimated", method: "EXACT", basis: "previous" },
  ]);
});

test("a digit too many at the month's end is suspect by what follows it", () => {
  const rows: Row[] = [
    ["2026-08-31T21:00", 100],
    ["2026-09-29T21:00", 195],
    ["2026-09-30T21:00", 1982.7],
    ["2026-09-30T21:15", 198.3],
    ["2026-10-31T22:00", 300],
  ];
  expect(months(meter([channel(rows)]), september, 2)).toMatchObject([
    { kWh: 98.266, quality: "estimated", rules: "V13" },
    { kWh: 101.734, quality: "estimated" },
  ]);
});

test("one register reading, and intervals ever since", () => {
  const july = september - 2;
  const hours: Row[] = [];
  for (let at = kyiv.startOf(july) + 3600; at <= kyiv.boundaryOf(july + 3); at += 3600) hours.push([at, 0.1]);
  const known = meter([channel([[kyiv.startOf(july), 5]]), channel(hours, { kind: "interval", stepSeconds: 3600 })]);
  expect(months(known, july, 4)).toMatchObject([
    { kWh: 74.4, quality: "derived" },
    { kWh: 74.4, quality: "derived" },
    { kWh: 72, quality: "derived" },
    { kWh: 74.5, quality: "derived" },
  ]);
});

test("the last hour, sent every quarter of an hour, counts once", () => {
  const hours: Row[] = [];
  for (let at = kyiv.startOf(september) + 900; at <= kyiv.boundaryOf(september); at += 900) hours.push([at, 1]);
  const [month] = monthsOf(
    meter([channel(hours, { kind: "interval", stepSeconds: 3600 })]),
    { from: september, to: september },
    kyiv,
  );
  expect(month?.registers[0]).toMatchObject({
    consumption: 720_000,
    quality: "actual",
    intervals: { expected: 720, present: 720 },
  });
});

test("a stray quarter of an hour takes nothing from a complete month", () => {
  const hours: Row[] = [];
  for (let at = kyiv.startOf(september) + 3600; at <= kyiv.boundaryOf(september); at += 3600) hours.push([at, 1]);
  const stray = channel([["2026-09-10T10:15", 0.24]], { kind: "interval", stepSeconds: 900 });
  const known = meter([channel(hours, { kind: "interval", stepSeconds: 3600 }), stray]);
  expect(months(known, september, 1)).toMatchObject([{ kWh: 720, quality: "actual" }]);
});

test("removed within the month: it ends there", () => {
  const rows: Row[] = [
    ["2026-07-31T21:00", 100],
    ["2026-08-20T08:45", 179.9],
  ];
  const removed = { at: seconds("2026-08-20T09:00"), values: { "1.8.0": 180_000 } };
  const [row] = monthsOf(meter([channel(rows)], { removed }), { from: september - 1, to: september - 1 }, kyiv);
  expect(row?.registers[0]).toMatchObject({ value: 180_000, consumption: 80_000, quality: "actual", to: removed.at });
});

test("a counter that wraps", () => {
  const rows: Row[] = [
    ["2026-08-31T21:00", 99_950],
    ["2026-09-15T21:00", 99_999.5],
    ["2026-09-16T21:00", 2],
    ["2026-09-30T21:00", 50],
  ];
  const known = meter([channel(rows)], { ...register({ digits: 5 }), connectionPowerW: 15_000 });
  expect(months(known, september, 1)).toMatchObject([{ kWh: 100, quality: "actual", rules: "V14" }]);
});

test("the meter's own estimate of the boundary, between what was read", () => {
  const rows: Row[] = [
    ["2026-08-31T21:00", 100],
    ["2026-09-30T18:00", 197],
    ["2026-09-30T19:00", 198, "estimated"],
    ["2026-09-30T20:00", 199.5, "estimated"],
    ["2026-09-30T21:00", 200.25, "estimated"],
    ["2026-09-30T22:00", 201],
  ];
  expect(months(meter([channel(rows)]), september, 1)).toMatchObject([
    { kWh: 100.25, quality: "estimated", method: "EXACT" },
  ]);
});

test("more than the safe integers hold after the multiplier is suspect, never null and actual", () => {
  const rows: Row[] = [
    ["2026-09-30T21:00", 1200],
    ["2026-10-31T22:00", 4_294_967_295],
  ];
  const known = meter([channel(rows)], register({ multiplier: 132_000 }));
  expect(months(known, september + 1, 1)).toMatchObject([
    { kWh: null, quality: "suspect", fault: "amount_out_of_range" },
  ]);
});

test("a first reading three weeks into the month: the row says since when", () => {
  const rows: Row[] = [
    ["2026-09-22T09:00", 100],
    ["2026-09-30T21:00", 130],
  ];
  const [row] = monthsOf(meter([channel(rows)]), { from: september, to: september }, kyiv);
  expect(row?.registers[0]).toMatchObject({
    consumption: 30_000,
    from: seconds("2026-09-22T09:00"),
    openingBasis: "first-reading",
  });
});

test("many readings that contradict each other are an unexplained step: both parts are billed, the step is not", () => {
  const rows: Row[] = [];
  for (let day = 0; day < 90; day += 1) {
    const at = kyiv.startOf(september) + day * 86_400;
    rows.push([at, day < 45 ? 5000 + day : day - 45]);
  }
  expect(months(meter([channel(rows)]), september, 2)).toMatchObject([
    { kWh: 30, quality: "actual", fault: null },
    { kWh: null, quality: "suspect", fault: "register_ran_backwards" },
  ]);
});

const steps = fc.array(fc.record({ hours: fc.integer({ min: 1, max: 400 }), wattHours: fc.nat(50_000) }), {
  minLength: 3,
  maxLength: 40,
});

test("months together give the line's difference", () => {
  fc.assert(
    fc.property(steps, (made) => {
      let at = kyiv.startOf(september - 3);
      let value = 1000;
      const rows: Row[] = [[at, value]];
      for (const { hours, wattHours } of made) {
        at += hours * 3600;
        value += wattHours / 1000;
        rows.push([at, value]);
      }
      const last = kyiv.periodOf(at) - 1;
      fc.pre(last >= september - 3);
      const issued = monthsOf(meter([channel(rows)]), { from: september - 3, to: last }, kyiv);
      const sum = issued.reduce((total, { registers: [row] }) => total + (row?.consumption ?? Number.NaN), 0);
      expect(sum).toBe((issued.at(-1)?.registers[0]?.value ?? Number.NaN) - 1_000_000);
    }),
  );
});
