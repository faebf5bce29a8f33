import type { LocalCalendar } from "@meterbook/core/domain/time/local-calendar";
import { localCalendar } from "@meterbook/core/domain/time/local-calendar";
import fc from "fast-check";
import type { TrueReading } from "./register-oracle.ts";

/** What is planted in place of a true value. `untold`: the meter itself says that it is not to be trusted. */
export type Plant = "zero" | "tenfold" | "tenth" | "frozen" | "untold";

export interface WorldReading extends TrueReading {
  /** What the display shows, wrapped. */
  readonly shown: number;
  readonly plant: Plant | undefined;
}

/** One register of one meter over some months, with its truth. */
export interface RegisterWorld {
  readonly zone: string;
  readonly firstPeriod: number;
  readonly months: number;
  readonly digits: number | undefined;
  readonly multiplier: number;
  readonly connectionPowerW: number;
  /** Ascending. */
  readonly readings: readonly WorldReading[];
  /** Times without supply, ascending, apart from each other. */
  readonly outages: readonly Stretch[];
}

export interface Stretch {
  readonly from: number;
  readonly to: number;
}

const zones = ["Europe/Kyiv", "America/St_Johns", "Europe/Paris", "Asia/Kathmandu", "Australia/Lord_Howe", "Etc/UTC"];
/** So many true readings stand between two planted ones, and at either end. */
const soundBetween = 4;

interface Step {
  readonly gapSeconds: number;
  /** Of what the connection can carry, in thousandths. */
  readonly load: number;
  readonly quality: "actual" | "derived" | "estimated";
  readonly plant: Plant | undefined;
  /** The reading is taken at the next month's end instead. */
  readonly atBoundary: boolean;
}

const step: fc.Arbitrary<Step> = fc.record({
  gapSeconds: fc.oneof(
    {
      weight: 60,
      arbitrary: fc.constantFrom(900, 900, 3600, 3600, 5400, 21_600, 86_400, 86_400, 3 * 86_400, 6 * 86_400),
    },
    { weight: 1, arbitrary: fc.constantFrom(...[40, 130, 200, 320, 500].map((days) => days * 86_400)) },
  ),
  load: fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 700 })),
  quality: fc.constantFrom("actual", "actual", "actual", "actual", "derived", "estimated"),
  plant: fc.constantFrom(undefined, undefined, "zero", "tenfold", "tenth", "untold", "frozen"),
  atBoundary: fc.integer({ min: 0, max: 3 }).map((n) => n === 0),
});

interface DarkTime {
  /** Where it begins, in thousandths of the world's time; or before a month's end. */
  readonly place: number;
  readonly isAtEnd: boolean;
  readonly seconds: number;
}

const darkTime: fc.Arbitrary<DarkTime> = fc.record({
  place: fc.nat(1000),
  isAtEnd: fc.boolean(),
  seconds: fc.constantFrom(1, 1800, 3600, 6 * 3600, 86_400, 5 * 86_400),
});

/** Those that come too soon behind another are left out. */
function darkTimes(
  all: readonly DarkTime[],
  { start, end, calendar }: { readonly start: number; readonly end: number; readonly calendar: LocalCalendar },
): Stretch[] {
  const found: Stretch[] = [];
  const times = all.map(({ place, isAtEnd, seconds }) => {
    const at = start + Math.floor(((end - start) * place) / 1000);
    const from = isAtEnd ? calendar.boundaryOf(calendar.periodOf(at)) - Math.floor(seconds / 3) : at;
    return { from, to: from + seconds };
  });
  for (const time of times.sort((a, b) => a.from - b.from)) {
    if (time.from > (found.at(-1)?.to ?? Number.NEGATIVE_INFINITY)) found.push(time);
  }
  return found;
}

export const registerWorlds: fc.Arbitrary<RegisterWorld> = fc
  .record({
    zone: fc.constantFrom(...zones),
    firstPeriod: fc.integer({ min: 2024 * 12, max: 2026 * 12 + 6 }),
    digits: fc.constantFrom(undefined, undefined, 4, 5),
    multiplier: fc.constantFrom(1, 1, 40),
    connectionPowerW: fc.integer({ min: 3000, max: 30_000 }),
    startShare: fc.integer({ min: 0, max: 999 }),
    offsetSeconds: fc.integer({ min: 0, max: 20 * 86_400 }),
    steps: fc.array(step, { minLength: 8, maxLength: 70 }),
    dark: fc.array(darkTime, { maxLength: 3 }),
  })
  .map(({ zone, startShare, offsetSeconds, steps, dark, ...given }) => {
    const calendar = localCalendar(zone);
    const start = calendar.startOf(given.firstPeriod) + offsetSeconds;
    const modulus = given.digits === undefined ? undefined : 10 ** given.digits * 1000;
    const first =
      modulus === undefined ? 1_000_000 + startShare * 1000 : Math.floor((modulus * (900 + startShare / 10)) / 1000);
    const hourlyMax = given.connectionPowerW / given.multiplier;
    const truth = walk(steps, { calendar, start, first, hourlyMax, modulus });
    const readings = plantInto(truth, steps, { modulus, hourlyMax });
    const last = readings.at(-1) as WorldReading;
    const outages = darkTimes(dark, { start, end: last.at, calendar });
    return { ...given, zone, outages, months: calendar.periodOf(last.at) - given.firstPeriod + 1, readings };
  });

interface Walk {
  readonly calendar: LocalCalendar;
  readonly start: number;
  readonly first: number;
  readonly hourlyMax: number;
  readonly modulus: number | undefined;
}

/** What is truly counted, reading by reading. */
function walk(steps: readonly Step[], { calendar, start, first, hourlyMax, modulus }: Walk): TrueReading[] {
  let [at, total] = [start, first];
  const truth: TrueReading[] = [{ at, total, quality: "actual" }];
  for (const { gapSeconds, load, quality, atBoundary } of steps) {
    const boundary = calendar.boundaryOf(calendar.periodOf(at));
    const next = atBoundary && boundary - at < 8 * 86_400 ? boundary : at + gapSeconds;
    const risen = Math.floor(((next - at) / 3600) * hourlyMax * (load / 1000));
    // A display that goes round more than once between two readings tells nobody how often.
    total += Math.min(risen, Math.floor((modulus ?? Number.MAX_SAFE_INTEGER) / 2));
    at = next;
    truth.push({ at, total, quality });
  }
  return truth;
}

interface Display {
  readonly modulus: number | undefined;
  readonly hourlyMax: number;
}

function plantInto(truth: readonly TrueReading[], steps: readonly Step[], display: Display): WorldReading[] {
  const shownOf = (total: number) => (display.modulus === undefined ? total : total % display.modulus);
  let lastPlanted = -1;
  return truth.map((reading, index) => {
    const shown = shownOf(reading.total);
    const plant = steps[index - 1]?.plant;
    const sound = { ...reading, shown, plant: undefined };
    if (plant === undefined) return sound;
    if (index - lastPlanted <= soundBetween || truth.length - index <= soundBetween) return sound;
    const wrong = wrongValue(plant, shown, shownOf(truth[index - 1]?.total ?? 0));
    // What the meter has estimated itself says little against a reading.
    const before = truth.slice(0, index).findLast(({ quality }) => quality === "actual");
    const after = truth.slice(index + 1).find(({ quality }) => quality === "actual");
    if (before === undefined || after === undefined) return sound;
    const around = {
      before: { at: before.at, shown: shownOf(before.total) },
      after: { at: after.at, shown: shownOf(after.total) },
    };
    if (plant !== "untold" && !isTold({ at: reading.at, shown: wrong, plant }, around, display)) return sound;
    lastPlanted = index;
    return { ...reading, quality: "actual" as const, shown: wrong, plant };
  });
}

function wrongValue(plant: Plant, shown: number, before: number): number {
  if (plant === "zero") return 0;
  if (plant === "tenth") return Math.floor(shown / 10);
  if (plant === "frozen") return before;
  return plant === "tenfold" ? shown * 10 : Math.floor(shown / 3) + 12_345;
}

interface Shown {
  readonly at: number;
  readonly shown: number;
}

/**
 * Whether nothing but a wrong value can explain it: it cannot be reached from before, or what follows not from it. A
 * display that wraps can explain much, so there it must be both; and a value that stands still is one that may be true.
 */
function isTold(wrong: WrongReading, { before, after }: Neighbours, display: Display): boolean {
  const [from, on] = [isPossible(before, wrong, display), isPossible(wrong, after, display)];
  return display.modulus === undefined && wrong.plant !== "frozen" ? !from || !on : !from && !on;
}

interface WrongReading extends Shown {
  readonly plant: Plant;
}

interface Neighbours {
  readonly before: Shown;
  readonly after: Shown;
}

/** Whether the connection could have counted on from one to the other, around the display's end if need be. */
function isPossible(from: Shown, to: Shown, { modulus, hourlyMax }: Display): boolean {
  const most = ((to.at - from.at) / 3600) * hourlyMax * 1.1 + 1000;
  const straight = to.shown - from.shown;
  if (straight >= 0) return straight <= most;
  return modulus !== undefined && straight + modulus <= most;
}
