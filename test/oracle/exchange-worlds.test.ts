// Goal: an exchange loses nothing and counts nothing twice, wherever in a month it lies. Method: a random world's
// register is taken out at one of its readings, and another meter counts on from there; the slow computation knows what
// each of the two has truly counted.
import { emptyColumns, pushReading, readingAt, readingCode } from "@meterbook/core/domain/reading/reading";
import type { MeterRecord } from "@meterbook/core/domain/registry/meter-record";
import type { RegisterSnapshot } from "@meterbook/core/domain/snapshot/snapshot";
import { localCalendar } from "@meterbook/core/domain/time/local-calendar";
import { monthsOf } from "@meterbook/core/domain/valuation/month-content";
import fc from "fast-check";
import { expect, test } from "vitest";
import { type RegisterWorld, registerWorlds, type Stretch } from "./random-worlds.ts";
import { type OracleMonth, oracleMonths, type TrueReading } from "./register-oracle.ts";

const numRuns = Number(process.env["ORACLE_RUNS"] ?? 400);
const channel = { register: "1.8.0", kind: "register", unit: "Wh", stepSeconds: 0 } as const;

/** What one of the two meters shows, without a wrap and without glitches. */
interface Half {
  readonly readings: readonly TrueReading[];
  readonly end: Partial<Pick<MeterRecord, "installed" | "removed">>;
  /** Of its months: where each begins and ends for it. */
  readonly spans: readonly { readonly start: number; readonly boundary: number }[];
  readonly firstPeriod: number;
}

function rowsOf(half: Half, { zone, multiplier, connectionPowerW, outages }: RegisterWorld) {
  const readings = emptyColumns();
  for (const { at, total, quality } of half.readings) pushReading(readings, at, total, readingCode(quality, "remote"));
  const registers = [{ register: "1.8.0", unit: "Wh" as const, multiplier }];
  const record = { meterId: "m", usagePointId: "up", registers, connectionPowerW, outages, ...half.end };
  const known = { meterId: "m", record, channels: [{ channel, first: readingAt(readings, 0), readings }] };
  const to = half.firstPeriod + half.spans.length - 1;
  return monthsOf(known, { from: half.firstPeriod, to }, localCalendar(zone)).map(({ registers: [row] }) => row);
}

/** Both meters, exchanged at a reading: the second begins with another value. */
function halves({ zone, readings }: RegisterWorld, at: TrueReading, begin: number): readonly [Half, Half] {
  const calendar = localCalendar(zone);
  const sound = readings.filter(({ plant }) => plant === undefined);
  const own = { at: at.at, total: at.total, quality: "actual" as const };
  const before = [...sound.filter((one) => one.at < at.at), own];
  const after = [own, ...sound.filter((one) => one.at > at.at)].map((one) => ({
    ...one,
    total: one.total - at.total + begin,
  }));
  const spans = (from: number, to: number, within: Stretch) =>
    Array.from({ length: to - from + 1 }, (_, index) => ({
      start: Math.max(calendar.startOf(from + index), within.from),
      boundary: Math.min(calendar.boundaryOf(from + index), within.to),
    }));
  const [first, last] = [calendar.periodOf(before[0]?.at ?? 0), calendar.periodOf(after.at(-1)?.at ?? 0)];
  const [out, into] = [calendar.periodOf(at.at - 1), calendar.periodOf(at.at)];
  return [
    {
      readings: before,
      end: { removed: { at: at.at, values: { "1.8.0": at.total } } },
      spans: spans(first, out, { from: Number.NEGATIVE_INFINITY, to: at.at }),
      firstPeriod: first,
    },
    {
      readings: after,
      end: { installed: { at: at.at, values: { "1.8.0": begin } } },
      spans: spans(into, last, { from: at.at, to: Number.POSITIVE_INFINITY }),
      firstPeriod: into,
    },
  ];
}

function expectAsComputed(
  rows: readonly (RegisterSnapshot | undefined)[],
  months: readonly OracleMonth[],
  multiplier: number,
) {
  months.forEach(({ closing, counted, opening }, index) => {
    if (closing === undefined) return;
    const { total: value, quality: valueQuality, method } = closing;
    const consumption = counted === null ? null : counted * multiplier;
    expect(rows[index]).toMatchObject({ value, valueQuality, method, opening, consumption });
  });
}

const exchanges = fc.record({ place: fc.nat(999), begin: fc.constantFrom(0, 0, 5_000_000) });

test("each of the two meters has what it truly counted, and both together what was used", () => {
  fc.assert(
    fc.property(registerWorlds, exchanges, (drawn, { place, begin }) => {
      // Readings go on in a drawn outage: of one half, that can be more than the rest of its time allows (V17).
      const world = { ...drawn, outages: [] };
      const measured = world.readings.filter(({ plant, quality }) => plant === undefined && quality === "actual");
      const inner = measured.slice(1, -1);
      fc.pre(inner.length > 0);
      const at = inner[Math.floor((place * inner.length) / 1000)] as TrueReading;
      const both = halves(world, at, begin);
      const known = both.map((half) => ({
        rows: rowsOf(half, world),
        months: oracleMonths(half.readings, half.spans, world.outages),
      }));
      for (const { rows, months } of known) expectAsComputed(rows, months, world.multiplier);
      const used = known.flatMap(({ rows, months }) =>
        rows.filter((_, index) => months[index]?.closing !== undefined).map((row) => row?.consumption ?? Number.NaN),
      );
      const [old, young] = known.map(({ months }) => months);
      const closed = young?.findLast(({ closing }) => closing !== undefined)?.closing;
      const truth = at.total - (old?.[0]?.opening ?? Number.NaN) + (closed === undefined ? 0 : closed.total - begin);
      expect(used.reduce((sum, one) => sum + one, 0)).toBe(truth * world.multiplier);
    }),
    { numRuns },
  );
});
