import fc from "fast-check";
import { expect, test } from "vitest";
import { emptyColumns, pushReading, readingAt } from "../reading/reading.ts";
import type { Installation } from "../registry/meter-record.ts";
import type { RegisteredMeter } from "../registry/registered-meter.ts";
import { localCalendar } from "../time/local-calendar.ts";
import type { KnownMeter } from "./known-meter.ts";
import { monthContent } from "./month-content.ts";

const calendar = localCalendar("Europe/Kyiv");
const period = 2026 * 12 + 8;
const [start, boundary] = [calendar.startOf(period), calendar.boundaryOf(period)];
const days = (boundary - start) / 86_400;

const world = fc.record({
  /** Which of the days' ends have a reading, and what was used on each. */
  isRead: fc.array(fc.boolean(), { minLength: days + 20, maxLength: days + 20 }),
  used: fc.array(fc.nat(5000), { minLength: days + 20, maxLength: days + 20 }),
  hasIntervals: fc.boolean(),
  moves: fc.uniqueArray(fc.record({ at: fc.integer({ min: 1, max: boundary - start - 1 }), isKnown: fc.boolean() }), {
    maxLength: 3,
    selector: ({ at }) => at,
  }),
  multiplierAt: fc.uniqueArray(fc.integer({ min: 1, max: boundary - start - 1 }), { maxLength: 2 }),
});
type World = typeof world extends fc.Arbitrary<infer Of> ? Of : never;

/** From ten days before the month to ten days behind it. */
const first = start - 10 * 86_400;

/** What the register shows: each day's use is spread evenly, to the nearest. */
function shownAt({ used }: World, at: number): number {
  const day = Math.floor((at - first) / 86_400);
  const before = used.slice(0, day).reduce((sum, one) => sum + one, 1_000_000);
  return before + Math.round(((used[day] ?? 0) * ((at - first) % 86_400)) / 86_400);
}

function recordOf(of: World): RegisteredMeter {
  const values = (at: number, isKnown: boolean): Record<string, number> =>
    isKnown ? { "1.8.0": shownAt(of, at) } : {};
  const moves = [...of.moves]
    .sort((a, b) => a.at - b.at)
    .map(({ at, isKnown }) => ({ at: start + at, values: values(start + at, isKnown) }));
  const places = [undefined, ...moves].map((installed, index): Installation => {
    const removed = moves[index];
    return {
      usagePointId: `up-${index}`,
      ...(installed === undefined ? {} : { installed }),
      ...(removed === undefined ? {} : { removed }),
    };
  });
  const multipliers = [...of.multiplierAt]
    .sort((a, b) => a - b)
    .map((at, i) => ({ validFrom: start + at, multiplier: i + 2 }));
  const { usagePointId, installed } = places.at(-1) as Installation;
  return {
    meterId: "m-1",
    usagePointId,
    registers: [{ register: "1.8.0", unit: "Wh", ...(multipliers.length === 0 ? {} : { multipliers }) }],
    ...(installed === undefined ? {} : { installed }),
    ...(places.length === 1 ? {} : { earlier: places.slice(0, -1) }),
  };
}

function meterOf(of: World, record: RegisteredMeter | undefined): KnownMeter {
  const register = emptyColumns();
  const intervals = emptyColumns();
  for (let day = 0; day < days + 20; day += 1) {
    const at = first + day * 86_400;
    // Both ends of the month are known, so that the whole has a value.
    if (of.isRead[day] === true || at === start || at === boundary) pushReading(register, at, shownAt(of, at), 0);
    if (of.hasIntervals && day > 0) pushReading(intervals, at, of.used[day - 1] as number, 0);
  }
  const channels = [
    { channel: { register: "1.8.0", kind: "register", unit: "Wh", stepSeconds: 0 } as const, readings: register },
    { channel: { register: "1.8.0", kind: "interval", unit: "Wh", stepSeconds: 86_400 } as const, readings: intervals },
  ];
  const told = of.hasIntervals ? channels : channels.slice(0, 1);
  return {
    meterId: "m-1",
    record,
    channels: told.map((one) => ({ ...one, first: readingAt(one.readings, 0) })),
  };
}

test("the rows of a cut month tile its time, each opens as the one before closed, and together they are the whole", () => {
  fc.assert(
    fc.property(world, (of) => {
      const record = recordOf(of);
      const { registers: rows, usagePointId } = monthContent(meterOf(of, record), period, calendar, []);
      const [whole] = monthContent(meterOf(of, undefined), period, calendar, []).registers;
      const cuts = [...new Set([...of.moves.map(({ at }) => at), ...of.multiplierAt])].sort((a, b) => a - b);
      expect(rows.map(({ from }) => from)).toEqual([null, ...cuts.map((at) => start + at)]);
      expect(rows.map(({ to }) => to)).toEqual([...cuts.map((at) => start + at), null]);
      expect(rows.slice(1).map(({ opening }) => opening)).toEqual(rows.slice(0, -1).map(({ value }) => value));
      expect(rows[0]?.opening).toBe(whole?.opening);
      expect(rows.at(-1)?.value).toBe(whole?.value);
      const used = rows.map(({ value, opening }) => (value ?? Number.NaN) - (opening ?? Number.NaN));
      const multipliers = rows.map(
        ({ from }) => 1 + [...of.multiplierAt].filter((at) => start + at <= (from ?? 0)).length,
      );
      expect(rows.map(({ consumption }) => consumption)).toEqual(
        used.map((one, i) => one * (multipliers[i] as number)),
      );
      expect(used.every((one) => one >= 0)).toBe(true);
      const places = rows.map(({ from }) => `up-${of.moves.filter(({ at }) => start + at <= (from ?? 0)).length}`);
      expect(rows.map((row) => row.usagePointId ?? usagePointId)).toEqual(places);
    }),
    { numRuns: 300 },
  );
});

test.each([undefined, 10_000])(
  "a value told at a move that the readings contradict closes no place and opens none (%s W)",
  (power) => {
    const cut = start + 10 * 86_400 + 3600;
    const readings = emptyColumns();
    for (let day = -10; day <= 35; day += 1) pushReading(readings, start + day * 86_400, 1_000_000 + day * 10_000, 0);
    const values = { "1.8.0": power === undefined ? 110_050 : 1_010_050 };
    const record: RegisteredMeter = {
      ...{ meterId: "m", usagePointId: "b", installed: { at: cut, values } },
      ...(power === undefined ? {} : { connectionPowerW: power }),
      earlier: [{ usagePointId: "a", removed: { at: cut, values } }],
      registers: [{ register: "1.8.0", unit: "Wh" }],
    };
    const channel = { register: "1.8.0", kind: "register", unit: "Wh", stepSeconds: 0 } as const;
    const channels = [{ channel, first: readingAt(readings, 0), readings }];
    const { registers } = monthContent({ meterId: "m", record, channels }, period, calendar, []);
    const sum = registers.reduce((all, { consumption }) => all + (consumption ?? Number.NaN), 0);
    expect([registers.length, sum]).toEqual([2, days * 10_000]);
    expect(registers[1]?.opening).toBe(registers[0]?.value);
  },
);
