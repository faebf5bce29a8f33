// Goal: the load looks like homes and businesses, and a total does not depend on how one came to ask for it.
import { expect, test, vi } from "vitest";
import { registersAt } from "../reports/report-readings.ts";
import { readFleetOptions } from "./fleet-options.ts";
import type { LocalDay } from "./local-days.ts";
import { localDays } from "./local-days.ts";
import type { MeterProfile } from "./meter-profile.ts";
import { meterProfile } from "./meter-profile.ts";
import type { MeterTotals } from "./register-totals.ts";
import { meterTotals, quantities } from "./register-totals.ts";

// The machine may be busy with the other tests.
vi.setConfig({ testTimeout: 30_000, hookTimeout: 30_000 });

const calendar = localDays("Europe/Kyiv");
const makeup = { seed: 7, firstMeterId: "sim-000001", businessShare: 0.4, solarShare: 0.3, skew: 0 };
const fleet = Array.from({ length: 120 }, (_, number) => meterTotals(meterProfile(number, makeup), calendar));
const homes = fleet.filter(({ profile }) => profile.kind === "home");
const businesses = fleet.filter(({ profile }) => profile.kind === "business");

const dayOf = (text: string): LocalDay => calendar.dayAt(Date.parse(`${text}T12:00:00Z`) / 1000);

function importAt(meter: MeterTotals, day: LocalDay, at: number): number {
  return registersAt(meter.of(day), meter, at, 1).get("1.8.0") as number;
}

/** Import in Wh between two local days' beginnings. */
function used(meter: MeterTotals, from: string, to: string): number {
  const [first, last] = [dayOf(from), dayOf(to)];
  return importAt(meter, last, last.start) - importAt(meter, first, first.start);
}

/** Import in Wh between hours of the wall clock, summed over the days of a month. */
function usedInHours(meter: MeterTotals, month: string, fromHour: number, toHour: number): number {
  let sum = 0;
  for (let day = dayOf(`${month}-01`), i = 0; i < 28; i += 1, day = calendar.dayOf(day.index + 1)) {
    sum += importAt(meter, day, day.start + toHour * 3600) - importAt(meter, day, day.start + fromHour * 3600);
  }
  return sum;
}

test("a home takes 1 500 to 6 000 kWh a year, a business more", () => {
  const yearKwh = (meter: MeterTotals) => used(meter, "2025-01-01", "2026-01-01") / 1000;
  for (const home of homes) expect(yearKwh(home)).toSatisfy((kwh: number) => kwh > 1500 && kwh < 6000);
  for (const business of businesses) expect(yearKwh(business)).toBeGreaterThan(9000);
  expect(Math.max(...businesses.map(yearKwh))).toBeGreaterThan(100_000);
});

test("every home uses less in an hour of the night than in one of the evening, and more in winter than in summer", () => {
  for (const home of homes.filter(({ profile }) => profile.exportYearWh === 0)) {
    expect(usedInHours(home, "2025-03", 1, 5)).toBeLessThan(usedInHours(home, "2025-03", 18, 22) / 2);
    expect(used(home, "2025-06-01", "2025-07-01")).toBeLessThan(used(home, "2025-01-01", "2025-01-31"));
  }
});

test("Sundays differ: offices and factories rest, restaurants do not", () => {
  const sunday = (meter: MeterTotals) => used(meter, "2025-03-16", "2025-03-17");
  const wednesday = (meter: MeterTotals) => used(meter, "2025-03-19", "2025-03-20");
  for (const business of businesses) {
    const { trade } = business.profile;
    if (trade === "office" || trade === "factory") expect(sunday(business)).toBeLessThan(wednesday(business) * 0.5);
    if (trade === "restaurant") expect(sunday(business)).toBeGreaterThan(wednesday(business));
  }
});

test("panels export by day and more in summer; who has none exports nothing", () => {
  const exported = (meter: MeterTotals, from: string, to: string) => {
    const [first, last] = [dayOf(from), dayOf(to)];
    return meter.of(last).at("export", last.start) - meter.of(first).at("export", first.start);
  };
  const solar = homes.filter(({ profile }) => profile.exportYearWh > 0);
  expect(solar.length).toBeGreaterThan(10);
  for (const meter of solar) {
    expect(exported(meter, "2025-06-01", "2025-07-01")).toBeGreaterThan(
      exported(meter, "2025-12-01", "2026-01-01") * 2,
    );
    const day = dayOf("2025-06-10");
    expect(meter.of(day).at("export", day.start + 3 * 3600)).toBe(meter.of(day).at("export", day.start));
  }
  const plain = homes.find(({ profile }) => profile.exportYearWh === 0) as MeterTotals;
  expect(registersAt(plain.of(dayOf("2025-06-10")), plain, dayOf("2025-06-10").start, 1).has("2.8.0")).toBe(false);
});

test.for([1, 10, 1000])(
  "the total is the sum of the tariffs at every quarter, at a resolution of %i Wh",
  (resolution) => {
    const wrong: string[] = [];
    for (const meter of fleet.slice(0, 30)) {
      for (const day of ["2025-03-30", "2025-10-26", "2025-07-14"].map(dayOf)) {
        let before = -1;
        for (let at = day.start; at <= day.end; at += 900) {
          const shown = registersAt(meter.of(day), meter, at, resolution);
          const [total = 0, day1 = 0, night = 0] = ["1.8.0", "1.8.1", "1.8.2"].map((register) => shown.get(register));
          const coarse = [...shown.values()].every((value) => value % resolution === 0);
          if (total !== day1 + night || total < before || !coarse) wrong.push(`${meter.profile.meterId} ${at}`);
          before = total;
        }
      }
    }
    expect(wrong).toEqual([]);
  },
);

test("the day tariff counts from 07:00 to 23:00 of the wall clock only, also on the days of the clock change", () => {
  const meter = homes[0] as MeterTotals;
  for (const [date, sevenSeconds] of [
    ["2025-07-14", 7 * 3600],
    ["2025-03-30", 6 * 3600],
    ["2025-10-26", 8 * 3600],
  ] as const) {
    const day = dayOf(date);
    const totals = meter.of(day);
    const seven = day.start + sevenSeconds;
    const eleven = seven + 16 * 3600;
    expect(totals.at("day", seven)).toBe(totals.at("day", day.start));
    expect(totals.at("day", day.end)).toBe(totals.at("day", eleven));
    expect(totals.at("night", eleven)).toBe(totals.at("night", seven));
    expect(day.end - day.start).toBe({ "2025-07-14": 24, "2025-03-30": 23, "2025-10-26": 25 }[date] * 3600);
  }
});

test("a total is a function of seed, meter and instant: forward, backward and alone it is the same", () => {
  const profile = meterProfile(3, makeup) satisfies MeterProfile;
  const days = Array.from({ length: 500 }, (_, i) => calendar.dayOf(dayOf("2025-01-01").index + i));
  const walking = meterTotals(profile, calendar);
  const forward = days.map((day) => quantities.map((quantity) => walking.of(day).at(quantity, day.end)));
  const jumping = meterTotals(profile, calendar);
  for (let i = days.length - 1; i >= 0; i -= 37) {
    const day = days[i] as LocalDay;
    expect(quantities.map((quantity) => jumping.of(day).at(quantity, day.end))).toEqual(forward[i]);
    const next = calendar.dayOf(day.index + 1);
    expect(quantities.map((quantity) => meterTotals(profile, calendar).of(next).at(quantity, next.start))).toEqual(
      forward[i],
    );
  }
});

test("another seed is another fleet", () => {
  const yearWh = (seed: number) => meterProfile(3, { ...makeup, seed }).yearWh;
  expect(yearWh(1)).not.toBe(yearWh(2));
  expect(readFleetOptions({ seed: 2 ** 32 })).toEqual({
    problems: ["--seed must be a whole number from 0 to 4294967295"],
  });
});
