// Goal: the engine's months of a register are right in untidy worlds. Method: random worlds whose truth is known (zero,
// digit and frozen glitches, readings that their meter distrusts, wraps, gaps, estimates, changes of clocks), and
// another, slow computation.
import type { ReadingQuality } from "@meterbook/core/domain/reading/reading";
import { emptyColumns, marksOf, pushReading, readingAt, readingCode } from "@meterbook/core/domain/reading/reading";
import { localCalendar } from "@meterbook/core/domain/time/local-calendar";
import type { KnownMeter } from "@meterbook/core/domain/valuation/known-meter";
import { monthsOf } from "@meterbook/core/domain/valuation/month-content";
import fc from "fast-check";
import { expect, test } from "vitest";
import type { RegisterWorld, WorldReading } from "./random-worlds.ts";
import { registerWorlds } from "./random-worlds.ts";
import { oracleMonths } from "./register-oracle.ts";

const numRuns = Number(process.env["ORACLE_RUNS"] ?? 400);
const channel = { register: "1.8.0", kind: "register", unit: "Wh", stepSeconds: 0 } as const;

function codeOf({ plant, quality }: WorldReading): number {
  const marks = plant === "untold" ? marksOf(["data_invalid"]) : 0;
  return readingCode(quality as ReadingQuality, "remote", { marks });
}

function meterOf(world: RegisterWorld): KnownMeter {
  const readings = emptyColumns();
  for (const one of world.readings) pushReading(readings, one.at, one.shown, codeOf(one));
  const { digits, multiplier, connectionPowerW, outages } = world;
  const entry = { register: "1.8.0", unit: "Wh" as const, multiplier, ...(digits === undefined ? {} : { digits }) };
  const record = { meterId: "m", usagePointId: "m", registers: [entry], connectionPowerW, outages };
  return { meterId: "m", record, channels: [{ channel, first: readingAt(readings, 0), readings }] };
}

function rowsOf(world: RegisterWorld) {
  const { firstPeriod, months, zone } = world;
  const made = monthsOf(meterOf(world), { from: firstPeriod, to: firstPeriod + months - 1 }, localCalendar(zone));
  return made.map(({ registers: [row] }) => row);
}

function spans({ firstPeriod, months, zone }: RegisterWorld) {
  const calendar = localCalendar(zone);
  return Array.from({ length: months }, (_, index) => ({
    start: calendar.startOf(firstPeriod + index),
    boundary: calendar.boundaryOf(firstPeriod + index),
  }));
}

function believed({ readings }: RegisterWorld): WorldReading[] {
  return readings.filter(({ plant }) => plant === undefined);
}

test("closings, openings and consumption are those of a slow computation that knows the truth", () => {
  fc.assert(
    fc.property(registerWorlds, (world) => {
      const modulus = world.digits === undefined ? undefined : 10 ** world.digits * 1000;
      const shown = (total: number) => (modulus === undefined ? total : total % modulus);
      const expected = oracleMonths(believed(world), spans(world), world.outages).map(
        ({ closing, counted, opening }) => ({
          value: closing === undefined ? null : shown(closing.total),
          // Why there is none, missing or suspect, is not what is looked at here.
          valueQuality: closing?.quality,
          method: closing?.method ?? "MISSING",
          opening: opening === null ? null : shown(opening),
          consumption: counted === null ? null : counted * world.multiplier,
        }),
      );
      const found = rowsOf(world).map((row) => ({
        value: row?.value,
        valueQuality: row?.value === null ? undefined : row?.valueQuality,
        method: row?.method,
        opening: row?.opening,
        consumption: row?.consumption,
      }));
      // Behind the last reading a month is estimated from its history, which the slow computation does not know.
      const isKnown = ({ method }: { readonly method: string | undefined }) => method !== "MISSING";
      expect(found.filter((_, index) => isKnown(expected[index] ?? { method: undefined }))).toEqual(
        expected.filter(isKnown),
      );
    }),
    { numRuns },
  );
});

test("no consumption is negative, or more than the connection carries, and months add up to the line's difference", () => {
  fc.assert(
    fc.property(registerWorlds, (world) => {
      const sound = believed(world);
      const all = oracleMonths(sound, spans(world), world.outages);
      const rows = rowsOf(world).filter((row, index) => row?.consumption !== null && all[index]?.counted !== null);
      const months = all.filter(({ counted }) => counted !== null);
      for (const row of rows) expect(row?.consumption).toBeGreaterThanOrEqual(0);
      const sum = rows.reduce((total, row) => total + (row?.consumption ?? 0), 0);
      const [first, last] = [months[0], months.at(-1)];
      const difference = (last?.closing?.total ?? 0) - (first?.opening ?? 0);
      expect(sum).toBe(difference * world.multiplier);
    }),
    { numRuns },
  );
});

test("a month that nothing follows is estimated or missing, and shows no less than what was read", () => {
  fc.assert(
    fc.property(registerWorlds, (world) => {
      const all = oracleMonths(believed(world), spans(world), world.outages);
      rowsOf(world).forEach((row, index) => {
        if (all[index]?.closing !== undefined || row === undefined || row.value === null) return;
        expect(row).toMatchObject({ valueQuality: "estimated", origin: "estimator", after: null });
        expect(row.consumption).toBeGreaterThanOrEqual(0);
        const { low, high, cap } = row.estimate ?? { low: Number.NaN, high: Number.NaN, cap: null };
        expect(low).toBeLessThanOrEqual(row.consumption ?? Number.NaN);
        expect(high).toBeGreaterThanOrEqual(row.consumption ?? Number.NaN);
        expect(row.consumption).toBeLessThanOrEqual(cap ?? Number.POSITIVE_INFINITY);
        if (world.digits === undefined) expect(row.value).toBeGreaterThanOrEqual(row.before?.value ?? Number.NaN);
      });
    }),
    { numRuns },
  );
});

test("what was planted is never a closing or an opening, and what is suspect is never called actual", () => {
  fc.assert(
    fc.property(registerWorlds, (world) => {
      const planted = new Set(world.readings.filter(({ plant }) => plant !== undefined).map(({ at }) => at));
      for (const row of rowsOf(world)) {
        if (row?.method === "EXACT") expect(planted).not.toContain(row.readAt);
        for (const side of [row?.before, row?.after]) if (side) expect(planted).not.toContain(side.at);
        if (row?.valueQuality !== "actual") continue;
        const by = world.readings.find(({ at }) => at === row.readAt);
        expect(by).toMatchObject({ plant: undefined, quality: "actual", shown: row.value });
      }
    }),
    { numRuns },
  );
});
