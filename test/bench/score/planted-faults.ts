import type { Channel } from "@meterbook/core/domain/reading/reading";
import { marksOf, readingCode } from "@meterbook/core/domain/reading/reading";
import type { MeterRecord } from "@meterbook/core/domain/registry/meter-record";
import type { RuleCode } from "@meterbook/core/domain/snapshot/finding";
import type { TrueCurve } from "./true-curves.ts";

export interface PlantedReading {
  readonly channel: Channel;
  readonly at: number;
  readonly value: number;
  readonly code: number;
}

/** What a meter sends where something is wrong with it, and what master data say of it. */
export interface Planted {
  readonly readings: readonly PlantedReading[];
  readonly record: MeterRecord;
}

/** A month of a curve, and the one before it. */
export interface Place {
  readonly curve: TrueCurve;
  /** Local midnights: where the month before begins, where the month begins and where it ends. */
  readonly before: number;
  readonly start: number;
  readonly end: number;
  /** Drawn: an hour within the month. */
  readonly hour: number;
}

export interface Fault {
  readonly name: string;
  /** Any of these tells it; none where the month must simply be right. */
  readonly rules: readonly RuleCode[];
  plant(place: Place): Planted;
}

const hour = 3600;
const connectionPowerW = 15_000;
const register: Channel = { register: "1.8.0", kind: "register", unit: "Wh", stepSeconds: 0 };
const actual = readingCode("actual", "remote");

function recordWith(over: Partial<MeterRecord["registers"][number]> = {}): MeterRecord {
  const registers = [{ register: "1.8.0", unit: "Wh" as const, ...over }];
  return { meterId: "m", usagePointId: "m", registers, connectionPowerW };
}

/** Hourly registers of both months and two hours more. */
function hourly({ curve, before, end }: Place): PlantedReading[] {
  const readings: PlantedReading[] = [];
  for (let at = before; at <= end + 2 * hour; at += hour)
    readings.push({ channel: register, at, value: curve.totalAt(at), code: actual });
  return readings;
}

function changed(place: Place, change: (reading: PlantedReading) => PlantedReading): Planted {
  return { readings: hourly(place).map(change), record: recordWith() };
}

function intervals({ curve, before, end }: Place, every: number, step: number): PlantedReading[] {
  const channel: Channel = { ...register, kind: "interval", stepSeconds: step };
  const readings: PlantedReading[] = [];
  for (let at = before + step; at <= end; at += every)
    readings.push({ channel, at, value: curve.totalAt(at) - curve.totalAt(at - step), code: actual });
  return readings;
}

export const faults: readonly Fault[] = [
  {
    name: "zero at the month's end",
    rules: ["V15"],
    plant: (place) => changed(place, (one) => (one.at === place.end ? { ...one, value: 0 } : one)),
  },
  {
    name: "a digit too many at the month's end",
    rules: ["V13", "V17"],
    plant: (place) => changed(place, (one) => (one.at === place.end ? { ...one, value: one.value * 10 } : one)),
  },
  {
    name: "a digit too few within the month",
    rules: ["V13", "V17"],
    plant: (place) =>
      changed(place, (one) => (one.at === place.hour ? { ...one, value: Math.floor(one.value / 10) } : one)),
  },
  {
    name: "frozen frame",
    rules: ["V16"],
    plant(place) {
      const shown = place.curve.totalAt(place.hour);
      const code = readingCode("actual", "remote", { marks: marksOf([], ["frozen"]) });
      const isFrozen = ({ at }: PlantedReading) => at > place.hour && at <= place.hour + 3 * hour;
      return changed(place, (one) => (isFrozen(one) ? { ...one, value: shown, code } : one));
    },
  },
  {
    // No month that is billed has the reading, so none can say V09.
    name: "clock lost",
    rules: [],
    plant(place) {
      const code = readingCode("actual", "remote", { marks: marksOf([], ["too_old"]) });
      const lost = { channel: register, at: Date.parse("2005-01-01T00:00:00Z") / 1000, value: 5, code };
      return { readings: [lost, ...hourly(place)], record: recordWith() };
    },
  },
  {
    name: "rollover",
    rules: ["V14"],
    plant(place) {
      const modulus = 100_000_000;
      const shift = modulus - (place.curve.totalAt(place.hour) % modulus);
      const planted = changed(place, (one) => ({ ...one, value: (one.value + shift) % modulus }));
      return { ...planted, record: recordWith({ digits: 5 }) };
    },
  },
  {
    name: "exchange that nobody has told",
    rules: ["V13"],
    plant(place) {
      const base = place.curve.totalAt(place.hour) - 7000;
      return changed(place, (one) => (one.at >= place.hour ? { ...one, value: one.value - base } : one));
    },
  },
  {
    name: "multiplier changed at the month's beginning",
    rules: [],
    plant(place) {
      const base = place.curve.totalAt(place.start);
      const planted = changed(place, (one) =>
        one.at <= place.start ? one : { ...one, value: base + Math.floor((one.value - base) / 40) },
      );
      return { ...planted, record: recordWith({ multipliers: [{ validFrom: place.start, multiplier: 40 }] }) };
    },
  },
  {
    name: "overlapping intervals",
    rules: [],
    plant: (place) => ({ readings: intervals(place, 900, hour), record: recordWith() }),
  },
  {
    name: "mixed steps",
    rules: [],
    plant: (place) => ({
      readings: [...intervals(place, hour, hour), ...intervals(place, hour, 900)],
      record: recordWith(),
    }),
  },
];

export const nothingWrong: Fault = { name: "nothing", rules: [], plant: (place) => changed(place, (one) => one) };
