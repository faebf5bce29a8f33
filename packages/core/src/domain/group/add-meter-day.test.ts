import fc from "fast-check";
import { expect, test } from "vitest";
import { encodeRegisterDay, readRegisterDay } from "../../records/sums/register-day-record.ts";
import { type CurvePoint, registerCurve } from "../curve/consumption-curve.ts";
import { intervalCurve, intervalsOf } from "../curve/interval-curve.ts";
import { type Channel, type ReadingSeries, readingCode, readingQualities } from "../reading/reading.ts";
import { localCalendar } from "../time/local-calendar.ts";
import { addMeterDay, type SummedMeter } from "./add-meter-day.ts";
import { dayEdges, emptyRegisterDay, type RegisterDay, sumResolutions } from "./day-sums.ts";

const register: Channel = { register: "1.8.0", kind: "register", unit: "Wh", stepSeconds: 0 };
const intervals = (stepSeconds: number): Channel => ({ ...register, kind: "interval", stepSeconds });

interface Drawn {
  readonly zone: string;
  readonly day: number;
  readonly meters: readonly {
    readonly channel: Channel;
    readonly series: ReadingSeries;
    readonly multiplier: number;
  }[];
}

/** Days of 23, 24 and 25 hours, and one of Lord Howe's half hour. */
const days = [
  ["Europe/Kyiv", "2026-10-25T12:00:00Z"],
  ["Europe/Kyiv", "2026-03-29T12:00:00Z"],
  ["Europe/Kyiv", "2026-10-15T12:00:00Z"],
  ["Australia/Lord_Howe", "2026-04-05T01:00:00Z"],
  ["Asia/Kathmandu", "2026-04-05T01:00:00Z"],
] as const;

const drawn: fc.Arbitrary<Drawn> = fc
  .record({
    of: fc.constantFrom(...days),
    meters: fc.array(
      fc.record({
        channel: fc.constantFrom(register, intervals(900), intervals(1800), intervals(3600), intervals(300)),
        /** Each drawn reading that is there, what it counts, and how good it is; tidy ones are mostly whole. */
        holes: fc.constantFrom(0, 0, 1, 5),
        seed: fc.array(fc.nat(1000), { minLength: 8, maxLength: 8 }),
        quality: fc.constantFrom(0, 0, 0, 1, 2, 3),
        multiplier: fc.constantFrom(1, 1, 40),
        falls: fc.boolean(),
      }),
      { maxLength: 6 },
    ),
  })
  .map(({ of: [zone, noon], meters }) => {
    const calendar = localCalendar(zone);
    const day = calendar.dayOf(Date.parse(noon) / 1000);
    const end = calendar.addDays(day, 1);
    return {
      zone,
      day,
      meters: meters.map(({ channel, holes, seed, quality, multiplier, falls }) => {
        const step = channel.stepSeconds || 900;
        const series: ReadingSeries = { channel, at: [], value: [], code: [] };
        let total = 1000;
        for (let at = day, i = 0; at <= end; at += step, i += 1) {
          const drop = seed[i % seed.length] as number;
          total += falls && drop === 7 ? -50 : drop;
          if (holes > 0 && drop % 10 < holes) continue;
          series.at.push(at);
          series.value.push(channel.kind === "register" ? total : drop);
          const isOdd = quality > 0 && drop % 4 === 0;
          series.code.push(readingCode(readingQualities[isOdd ? quality : 0] ?? "actual", "remote"));
        }
        return { channel, series, multiplier };
      }),
    };
  });

function curveOf({ channel, series, multiplier }: Drawn["meters"][number], edges: readonly number[]): CurvePoint[] {
  if (channel.kind === "register") return registerCurve(series, edges, multiplier);
  // As the curve reads them: what ends at the first midnight is of the day before.
  const inside = series.at.flatMap((at, i) => (at > (edges[0] as number) ? [i] : []));
  const pick = (column: readonly number[]) => inside.map((i) => column[i] as number);
  const read = { ...series, at: pick(series.at), value: pick(series.value), code: pick(series.code) };
  return intervalCurve(read.at.length === 0 ? intervalsOf([]) : intervalsOf([read]), edges, multiplier);
}

test("a group's day is the sum of its members' curves, at each resolution", () => {
  fc.assert(
    fc.property(drawn, ({ zone, day, meters }) => {
      const edges = dayEdges(localCalendar(zone), day);
      const sums: RegisterDay = emptyRegisterDay("1.8.0", "Wh", edges);
      for (const { channel, series, multiplier } of meters) {
        const meter: SummedMeter = {
          channels: [channel],
          record: { registers: [{ register: "1.8.0", unit: "Wh", multiplier }] },
        };
        expect(addMeterDay(meter, [series], edges, () => [sums])).toBe("added");
      }
      expect(sums.expected).toBe(meters.length);
      for (const resolution of sumResolutions) {
        const curves = meters.map((meter) => curveOf(meter, edges.edges[resolution]));
        const { consumption, present, estimated } = sums.steps[resolution];
        for (let step = 0; step < present.length; step += 1) {
          const there = curves.flatMap((curve) =>
            curve[step]?.consumption === null ? [] : [curve[step] as CurvePoint],
          );
          expect([present[step], consumption[step], estimated[step]]).toEqual([
            there.length,
            there.reduce((sum, point) => sum + (point.consumption ?? 0), 0),
            there.filter(({ quality }) => quality !== "actual").length,
          ]);
        }
      }
      expect(readRegisterDay(encodeRegisterDay(sums))).toEqual({ expected: sums.expected, steps: sums.steps });
    }),
    { numRuns: 300 },
  );
});

test("a register that a meter has, and never reported, is expected and not there", () => {
  const edges = dayEdges(localCalendar("Europe/Kyiv"), localCalendar("Europe/Kyiv").dayOf(1_790_000_000));
  const sums = emptyRegisterDay("2.8.0", "Wh", edges);
  const meter: SummedMeter = { channels: [], record: { registers: [{ register: "2.8.0", unit: "Wh" }] } };
  addMeterDay(meter, [], edges, () => [sums]);
  expect([sums.expected, sums.steps.P1D.present[0]]).toEqual([1, 0]);
});

test("bytes that are not as they were written are no sums", () => {
  const edges = dayEdges(localCalendar("Europe/Kyiv"), localCalendar("Europe/Kyiv").dayOf(1_790_000_000));
  const bytes = encodeRegisterDay(emptyRegisterDay("2.8.0", "Wh", edges));
  bytes[1] = (bytes[1] ?? 0) ^ 1;
  expect(readRegisterDay(bytes)).toBeUndefined();
});
