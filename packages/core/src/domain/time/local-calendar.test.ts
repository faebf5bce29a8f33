import { expect, test } from "vitest";
import { parsePeriod, periodName } from "../snapshot/snapshot.ts";
import { isTimeZone, localCalendar } from "./local-calendar.ts";
import { timeZoneNames } from "./time-zone-names.ts";

const at = (text: string) => Date.parse(text) / 1000;

test.for([
  {
    zone: "Europe/Kyiv",
    period: "2026-10",
    start: "2026-09-30T21:00:00Z",
    boundary: "2026-10-31T22:00:00Z",
    final: "2026-11-03T22:00:00Z",
  },
  {
    zone: "Europe/Berlin",
    period: "2026-03",
    start: "2026-02-28T23:00:00Z",
    boundary: "2026-03-31T22:00:00Z",
    final: "2026-04-03T22:00:00Z",
  },
  {
    zone: "Asia/Kolkata",
    period: "2026-02",
    start: "2026-01-31T18:30:00Z",
    boundary: "2026-02-28T18:30:00Z",
    final: "2026-03-03T18:30:00Z",
  },
  {
    zone: "Australia/Lord_Howe",
    period: "2026-10",
    start: "2026-09-30T13:30:00Z",
    boundary: "2026-10-31T13:00:00Z",
    final: "2026-11-03T13:00:00Z",
  },
  {
    zone: "Etc/GMT-10",
    period: "2012-02",
    start: "2012-01-31T14:00:00Z",
    boundary: "2012-02-29T14:00:00Z",
    final: "2012-03-03T14:00:00Z",
  },
  {
    zone: "America/St_Johns",
    period: "2026-11",
    start: "2026-11-01T02:30:00Z",
    boundary: "2026-12-01T03:30:00Z",
    final: "2026-12-04T03:30:00Z",
  },
])("$zone $period", ({ zone, period, start, boundary, final }) => {
  const calendar = localCalendar(zone);
  const number = parsePeriod(period) ?? Number.NaN;
  expect(periodName(number)).toBe(period);
  expect(calendar.startOf(number)).toBe(at(start));
  expect(calendar.boundaryOf(number)).toBe(at(boundary));
  expect(calendar.provisionalFrom(number)).toBe(at(boundary) + 3600);
  expect(calendar.finalFrom(number)).toBe(at(final));
  expect(calendar.periodOf(at(start))).toBe(number);
  expect(calendar.periodOf(at(boundary) - 1)).toBe(number);
  expect(calendar.periodOf(at(boundary))).toBe(number + 1);
});

test("a local day has 23, 24 or 25 hours", () => {
  const calendar = localCalendar("Europe/Kyiv");
  const hours = (noon: string) => (calendar.addDays(calendar.dayOf(at(noon)), 1) - calendar.dayOf(at(noon))) / 3600;
  expect(hours("2026-03-29T10:00:00Z")).toBe(23);
  expect(hours("2026-10-25T10:00:00Z")).toBe(25);
  expect(hours("2026-06-01T10:00:00Z")).toBe(24);
});

test("a day that begins at one o'clock begins there", () => {
  // Beirut moved its clocks forward at midnight: 2026-03-29 has no 00:00.
  expect(localCalendar("Asia/Beirut").dayOf(at("2026-03-29T10:00:00Z"))).toBe(at("2026-03-28T22:00:00Z"));
});

test.for([
  { asked: "after", minutes: [30, 90] },
  { asked: "before", minutes: [0.5, 30, 90] },
])("H04: where clocks go back across midnight, a month and a day have one end, $asked first", ({ asked, minutes }) => {
  // 2009-11-01 00:01 in St. John's was followed by 2009-10-31 23:01; two names, so that each has nothing remembered.
  const calendar = localCalendar(asked === "after" ? "America/St_Johns" : "Canada/Newfoundland");
  const boundary = calendar.boundaryOf(parsePeriod("2009-10") ?? 0);
  expect(boundary).toBe(at("2009-11-01T02:30:00Z"));
  for (const late of minutes) {
    expect([late, periodName(calendar.periodOf(boundary + late * 60))]).toEqual([late, "2009-11"]);
    expect([late, calendar.dayOf(boundary + late * 60)]).toEqual([late, boundary]);
  }
  expect(periodName(calendar.periodOf(boundary - 1))).toBe("2009-10");
});

test.for([
  { zone: "Africa/Cairo", period: "2024-10", boundary: "2024-10-31T22:00:00Z" },
  { zone: "Asia/Amman", period: "2014-10", boundary: "2014-10-31T22:00:00Z" },
  { zone: "America/Asuncion", period: "2023-09", boundary: "2023-10-01T04:00:00Z" },
  { zone: "Pacific/Apia", period: "2011-12", boundary: "2011-12-31T10:00:00Z" },
])("H04: the month ends where clocks change: $zone $period", ({ zone, period, boundary }) => {
  const calendar = localCalendar(zone);
  const number = parsePeriod(period) ?? 0;
  expect(new Date(calendar.boundaryOf(number) * 1000).toISOString().replace(".000", "")).toBe(boundary);
  expect(calendar.periodOf(at(boundary) - 1)).toBe(number);
  expect(calendar.periodOf(at(boundary))).toBe(number + 1);
  expect(calendar.dayOf(at(boundary))).toBe(at(boundary));
});

test("an unknown zone is refused", () => {
  expect(() => localCalendar("Europe/Odessa2")).toThrow(RangeError);
});

test.for([
  { zone: "Europe/Kyiv", taken: true },
  { zone: "Europe/Kiev", taken: true },
  { zone: "UTC", taken: true },
  { zone: "Etc/GMT-10", taken: true },
  { zone: "America/Argentina/ComodRivadavia", taken: true },
  { zone: "europe/KYIV", taken: false },
  { zone: "utc", taken: false },
  { zone: "+02:00", taken: false },
  { zone: "Mars/Base", taken: false },
  { zone: "", taken: false },
])("H19: zone $zone is taken: $taken", ({ zone, taken }) => {
  expect(isTimeZone(zone)).toBe(taken);
});

test("H19: every name of the list is one that the engine knows", () => {
  for (const zone of timeZoneNames) expect(() => localCalendar(zone)).not.toThrow();
});
