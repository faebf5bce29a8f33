import fc from "fast-check";
import { expect, test } from "vitest";
import type { Channel } from "../reading/reading.ts";
import { type ChannelReadings, type Expected, type FoundGap, findGaps } from "./find-gaps.ts";

const [quarter, hour, day] = [900, 3600, 86_400];
const start = 1_790_000_000 - (1_790_000_000 % day);
const looked = { from: start, to: start + day, silentSeconds: 2 * hour };

function intervals(stepSeconds: number, at: readonly number[], unit: Channel["unit"] = "Wh"): ChannelReadings {
  const channel = { register: "1.8.0", kind: "interval", unit, stepSeconds } as const;
  return { channel, firstAt: start + (at[0] ?? 0), at: at.map((instant) => start + instant) };
}

function registers(at: readonly number[], unit: Channel["unit"] = "Wh"): ChannelReadings {
  const channel = { register: "1.8.0", kind: "register", unit, stepSeconds: 0 } as const;
  return { channel, firstAt: start, at: at.map((instant) => start + instant) };
}

function range(from: number, to: number, step: number): number[] {
  return Array.from({ length: Math.floor((to - from) / step) + 1 }, (_, i) => from + i * step);
}

/** `step from to missing`, the instants as hours since the start. */
function told({ stepSeconds, from, to, missing, goesOn }: FoundGap): string {
  const text = `${stepSeconds} ${(from - start) / hour} ${(to - start) / hour} ${missing}`;
  return goesOn ? `${text} goes on` : text;
}

const installed = { at: start - 30 * day, values: {} };
const record: Expected = { registers: [{ register: "1.8.0", unit: "Wh" }] };

test.for<[string, readonly ChannelReadings[], Expected | undefined, readonly string[]]>([
  ["all there", [intervals(quarter, range(quarter, day, quarter))], undefined, []],
  [
    "one quarter hour is missing",
    [intervals(quarter, [...range(quarter, 9 * hour, quarter), ...range(9.5 * hour, day, quarter)])],
    undefined,
    ["900 9 9.25 1"],
  ],
  [
    "hours stand where quarter hours do not",
    [
      intervals(quarter, [...range(quarter, 9 * hour, quarter), ...range(11.25 * hour, day, quarter)]),
      intervals(hour, [10 * hour, 11 * hour]),
    ],
    undefined,
    [],
  ],
  [
    "a step that was given up is not missed",
    [intervals(hour, range(hour, 12 * hour, hour)), intervals(quarter, range(12.25 * hour, day, quarter))],
    undefined,
    [],
  ],
  ["silent since noon", [intervals(hour, range(hour, 12 * hour, hour))], undefined, ["3600 12 24 12 goes on"]],
  ["on its way", [intervals(hour, range(hour, 23 * hour, hour))], undefined, []],
  [
    "the beginning of the stretch is missing",
    [{ ...intervals(quarter, range(6.25 * hour, day, quarter)), firstAt: start - day }],
    undefined,
    ["900 0 6 24"],
  ],
  [
    "nothing is expected before the first reading",
    [{ ...intervals(quarter, range(6.25 * hour, day, quarter)), firstAt: start + 6.25 * hour }],
    undefined,
    [],
  ],
  [
    "but from the installation on",
    [{ ...intervals(quarter, range(6.25 * hour, day, quarter)), firstAt: start + 6.25 * hour }],
    { ...record, installed: { at: start + 5 * hour, values: {} } },
    ["900 5 6 4"],
  ],
  [
    "nothing is expected after the removal",
    [intervals(hour, range(hour, 12 * hour, hour))],
    { ...record, removed: { at: start + 12.5 * hour, values: {} } },
    [],
  ],
  [
    "a register as the meter usually reports it",
    [registers([...range(0, 9 * hour, hour), ...range(12 * hour, day, hour)])],
    undefined,
    ["0 9 12 2"],
  ],
  ["a register without a habit", [registers([0, hour, 7 * hour, 23 * hour])], undefined, []],
  [
    "a register at the step of the master data",
    [registers([0, hour, 3 * hour])],
    { ...record, stepSeconds: hour },
    ["0 1 3 1", "0 3 24 21 goes on"],
  ],
  [
    "the step of the master data is the profile's where there is one",
    [registers([0, 23.9 * hour]), intervals(quarter, range(quarter, day, quarter))],
    { ...record, stepSeconds: quarter },
    [],
  ],
  [
    "a register whose unit changed",
    [registers(range(0, 12 * hour, hour), "L"), registers(range(13 * hour, day, hour))],
    undefined,
    [],
  ],
  ["a register that never came", [], { ...record, stepSeconds: quarter, installed }, ["0 0 24 96 goes on"]],
])("%s", ([, channels, expected, gaps]) => {
  expect(findGaps(channels, expected, looked).map(told)).toEqual(gaps);
});

test("gaps of two registers come in order of time", () => {
  const of = (register: string, at: readonly number[]) => {
    const { channel, ...rest } = intervals(hour, at);
    return { channel: { ...channel, register }, ...rest, firstAt: start - day };
  };
  const gaps = findGaps(
    [of("2.8.0", range(3 * hour, day, hour)), of("1.8.0", range(2 * hour, day, hour))],
    undefined,
    looked,
  );
  expect(gaps.map(({ register, from, to }) => [register, (from - start) / hour, (to - start) / hour])).toEqual([
    ["1.8.0", 0, 1],
    ["2.8.0", 0, 2],
  ]);
});

test("what is there and what is missing make the whole, whichever intervals are left out", () => {
  fc.assert(
    fc.property(fc.constantFrom(quarter, hour), fc.uniqueArray(fc.nat(95)), (step, left) => {
      const all = range(step, day, step);
      const at = all.filter((_, i) => !left.includes(i));
      const gaps = findGaps([{ ...intervals(step, at), firstAt: start - day }], undefined, {
        ...looked,
        silentSeconds: 0,
      });
      const missing = gaps.reduce((sum, gap) => sum + gap.missing, 0);
      expect(missing + at.length).toBe(all.length);
      expect(gaps.reduce((sum, { from, to }) => sum + to - from, 0)).toBe(missing * step);
      for (const [i, gap] of gaps.entries()) if (i > 0) expect(gap.from).toBeGreaterThan((gaps[i - 1] as FoundGap).to);
    }),
  );
});

const noSupply = (from: number, to: number): Expected => ({
  ...record,
  stepSeconds: hour,
  outages: [{ from: start + from * hour, to: start + to * hour }],
});

test.each([
  { case: "an outage over all of it", of: noSupply(9, 12), inOutage: true },
  { case: "a longer one", of: noSupply(8.5, 30), inOutage: true },
  { case: "one that leaves out the last hour", of: noSupply(9, 11), inOutage: undefined },
  { case: "no outage", of: record, inOutage: undefined },
])("a gap of intervals from 9 to 12 with $case: inOutage $inOutage", ({ of, inOutage }) => {
  const hours = [intervals(hour, [...range(hour, 9 * hour, hour), ...range(13 * hour, day, hour)])];
  expect(findGaps(hours, of, looked).map((gap) => [gap.missing, gap.inOutage])).toEqual([[3, inOutage]]);
});

test.each([
  { case: "over the readings that are missing", of: noSupply(9.5, 12.5), inOutage: true },
  { case: "over some of them", of: noSupply(9.5, 11.5), inOutage: undefined },
])("a gap of a register with an outage $case: inOutage $inOutage", ({ of, inOutage }) => {
  const hours = [registers([...range(hour, 9 * hour, hour), ...range(13 * hour, day, hour)])];
  expect(findGaps(hours, of, looked).map((gap) => [gap.missing, gap.inOutage])).toEqual([[3, inOutage]]);
});
