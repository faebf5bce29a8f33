import type { HouseRegister, RegisterOfTime } from "../support/fleets/house-register.ts";

export const minute = 60;
export const hour = 3600;
export const day = 86_400;

export type Quality = "actual" | "derived" | "estimated" | "suspect";
export type RowQuality = Quality | "missing";

/** A register at a month's end, as domain-rules.md, section 4, wants it. Instants are seconds from the month's end. */
export interface Closing {
  readonly method: "EXACT" | "REG_PLUS_INTERVALS" | "LINEAR_SHORT" | "FLAT_BETWEEN" | "MISSING";
  readonly quality: RowQuality;
  readonly value: (of: Around) => number | null;
  readonly readAt: number | null;
  readonly before: number | null;
  readonly after: number | null;
}

/** One register around the month's end: what it and its intervals would show. */
export interface Around {
  /** The reading of the register so many seconds from the month's end. */
  readonly at: (offset: number) => number;
  /** The sum of the interval channel between two instants. */
  readonly counted: (from: number, to: number) => number;
}

/** A reading of all three registers, or of their interval channels, so many seconds from the month's end. */
export interface HouseReading {
  readonly offset: number;
  readonly kind: "register" | "interval";
  readonly quality: Quality;
  /** Added to what the register shows: a meter that guesses guesses wrong. */
  readonly errorWh: number;
}

/** One house, with one thing that happens at one month's end. */
export interface BoundaryCase {
  readonly name: string;
  /** The house begins to report so many seconds after its first month does. */
  readonly begins?: number;
  /** The master data hold a reading of its installation, so much below the first that it reports. */
  readonly installedBelow?: number;
  /** First and last hour of the hourly readings that are withheld. */
  readonly silentHours?: readonly [from: number, to: number];
  /** What else comes at first. */
  readonly extra?: readonly HouseReading[];
  /** From so many seconds on the register shows so much less. */
  readonly drop?: { readonly from: number; readonly wattHours: number };
  readonly expected: Closing;
  /** What comes late; the withheld hours where absent. */
  readonly late?: readonly HouseReading[];
  /** The closing after that; the exact one where absent, null where nothing comes late. */
  readonly corrected?: Closing | null;
}

export const intervalSeconds = 900;

/** Intervals are counted in steps of 10 Wh and cut off, so their sum falls short of the register. */
export function intervalAmount(register: RegisterOfTime, name: HouseRegister, at: number): number {
  return Math.floor((register(name, at) - register(name, at - intervalSeconds)) / 10) * 10;
}

export function exact(offset = 0, quality: Quality = "actual", next: number | null = hour): Closing {
  const [before, after] = offset <= 0 ? [offset, next] : [-hour, offset];
  return { method: "EXACT", quality, value: ({ at }) => at(offset), readAt: offset, before, after };
}

/** A part of an amount to the nearest watt-hour, a half downwards. */
function shareOf(amount: number, part: number, whole: number): number {
  const twice = 2n * BigInt(amount) * BigInt(part);
  const cut = twice / (2n * BigInt(whole));
  return Number(twice % (2n * BigInt(whole)) > BigInt(whole) ? cut + 1n : cut);
}

function line(method: "LINEAR_SHORT" | "FLAT_BETWEEN", quality: Quality, before: number, after: number): Closing {
  const value = ({ at }: Around) => {
    return at(before) + shareOf(at(after) - at(before), -before, after - before);
  };
  return { method, quality, value, readAt: before, before, after };
}

const linear = (before: number, after: number) => line("LINEAR_SHORT", "derived", before, after);
const flat = (before: number, after: number) => line("FLAT_BETWEEN", "estimated", before, after);

function counted(before: number): Closing {
  const value = (of: Around) => of.at(before) + of.counted(before, 0);
  return { method: "REG_PLUS_INTERVALS", quality: "derived", value, readAt: before, before, after: null };
}

function scaled(before: number, after: number): Closing {
  const value = ({ at, counted: sum }: Around) => {
    return at(before) + shareOf(at(after) - at(before), sum(before, 0), sum(before, after));
  };
  return { method: "REG_PLUS_INTERVALS", quality: "derived", value, readAt: before, before, after };
}

function reading(offset: number, quality: Quality = "actual", errorWh = 0): HouseReading {
  return { offset, kind: "register", quality, errorWh };
}

function hours(from: number, to: number): HouseReading[] {
  return Array.from({ length: to - from + 1 }, (_, index) => reading((from + index) * hour));
}

/** The intervals that lie between two instants. */
function intervals(from: number, to: number, without: readonly number[] = []): HouseReading[] {
  const ends = Array.from(
    { length: (to - from) / intervalSeconds },
    (_, index) => from + (index + 1) * intervalSeconds,
  );
  return ends
    .filter((offset) => !without.includes(offset))
    .map((offset) => ({ offset, kind: "interval", quality: "actual", errorWh: 0 }));
}

const guess = 7;
const before2d = -2 * day;

/**
 * The row is the specification: what is there, what must come of it, and what when the rest has come.
 *
 * @param monthHours length of the month that ends
 */
export const boundaryCases = (monthHours: number): readonly BoundaryCase[] => [
  { name: "on-the-hour", expected: exact(), corrected: null },
  { name: "begins-in-mid-month", begins: 10 * day + 7 * minute, expected: exact(), corrected: null },
  { name: "installed-before", begins: 2 * day, installedBelow: 1234, expected: exact(), corrected: null },

  // The reading of the month's end comes at another second.
  {
    name: "40-s-after",
    silentHours: [0, 0],
    extra: [reading(40)],
    expected: exact(40),
    corrected: exact(0, "actual", 40),
  },
  { name: "40-s-before", silentHours: [0, 0], extra: [reading(-40)], expected: exact(-40) },
  {
    name: "40-s-on-both-sides",
    silentHours: [0, 0],
    extra: [reading(-40), reading(40)],
    expected: exact(-40, "actual", 40),
    corrected: exact(0, "actual", 40),
  },
  {
    name: "50-s-before-40-s-after",
    silentHours: [0, 0],
    extra: [reading(-50), reading(40)],
    expected: { ...exact(40), before: -50 },
    corrected: exact(0, "actual", 40),
  },
  {
    name: "60-s-after",
    silentHours: [0, 0],
    extra: [reading(60)],
    expected: exact(60),
    corrected: exact(0, "actual", 60),
  },
  {
    name: "61-s-after",
    silentHours: [0, 0],
    extra: [reading(61)],
    expected: linear(-hour, 61),
    corrected: exact(0, "actual", 61),
  },
  { name: "61-s-before", silentHours: [0, 0], extra: [reading(-61)], expected: linear(-61, hour) },

  // Nothing near the month's end.
  {
    name: "gap-of-30-min",
    silentHours: [0, 0],
    extra: [reading(-10 * minute), reading(20 * minute)],
    expected: linear(-10 * minute, 20 * minute),
    corrected: exact(0, "actual", 20 * minute),
  },
  { name: "gap-of-2-h", silentHours: [0, 0], expected: linear(-hour, hour) },
  { name: "gap-of-2-h-1-s", silentHours: [0, 1], extra: [reading(hour + 1)], expected: flat(-hour, hour + 1) },
  { name: "gap-of-5-d", silentHours: [-47, 71], expected: flat(before2d, 3 * day) },
  {
    name: "gap-of-5-d-1-s",
    silentHours: [-47, 72],
    extra: [reading(3 * day + 1)],
    expected: flat(before2d, 3 * day + 1),
  },
  { name: "back-after-6-d", silentHours: [0, 143], expected: flat(-hour, 144 * hour) },
  { name: "silent-month", silentHours: [1 - monthHours, 47], expected: flat(-monthHours * hour, 2 * day) },
  {
    name: "gap-closes-from-its-ends",
    silentHours: [-47, 71],
    expected: flat(before2d, 3 * day),
    late: [reading(-hour), reading(hour)],
    corrected: linear(-hour, hour),
  },

  // Intervals go on where the register is silent.
  {
    name: "intervals-and-a-later-register",
    silentHours: [-47, 71],
    extra: intervals(-3 * day, 4 * day),
    expected: scaled(before2d, 3 * day),
  },
  {
    name: "intervals-end-with-the-month",
    silentHours: [-47, 71],
    extra: intervals(-3 * day, 0),
    expected: counted(before2d),
  },
  {
    name: "intervals-over-9-d",
    silentHours: [-143, 72],
    extra: intervals(-7 * day, 0),
    expected: { ...counted(-6 * day), after: null },
  },
  {
    name: "one-interval-lacks",
    silentHours: [-47, 71],
    extra: intervals(-3 * day, 4 * day, [-day]),
    expected: flat(before2d, 3 * day),
  },
  {
    name: "intervals-come-late",
    silentHours: [-47, 71],
    expected: flat(before2d, 3 * day),
    late: intervals(-3 * day, 4 * day),
    corrected: scaled(before2d, 3 * day),
  },

  // Somebody guessed.
  {
    name: "estimated-between-actual",
    silentHours: [0, 0],
    extra: [reading(0, "estimated", guess)],
    expected: linear(-hour, hour),
  },
  { name: "estimated-rightly", silentHours: [0, 0], extra: [reading(0, "estimated")], expected: linear(-hour, hour) },
  {
    name: "estimated-alone",
    silentHours: [-47, 73],
    extra: [reading(0, "estimated", guess)],
    expected: exact(0, "estimated", 74 * hour),
  },
  {
    name: "estimated-neighbours",
    silentHours: [-1, 1],
    extra: [reading(-hour, "estimated", guess), reading(hour, "estimated", guess)],
    expected: flat(-2 * hour, 2 * hour),
  },
  {
    name: "suspect-between-actual",
    silentHours: [0, 0],
    extra: [reading(0, "suspect", guess)],
    expected: linear(-hour, hour),
  },
  {
    name: "suspect-alone",
    silentHours: [-47, 73],
    extra: [reading(0, "suspect", guess)],
    expected: flat(before2d, 74 * hour),
  },

  // Backwards, by less and by more than the month's use.
  // By so much that it has not caught up before there are many readings on both sides.
  {
    name: "runs-backwards-a-little",
    drop: { from: -200 * hour, wattHours: 50_000 },
    expected: exact(),
    corrected: null,
  },
  {
    name: "runs-backwards-a-lot",
    drop: { from: -200 * hour, wattHours: 9_000_000 },
    expected: exact(),
    corrected: null,
  },
];

/** Whole hours withheld are given back late. */
export function lateReadings({ silentHours, late, corrected }: BoundaryCase): readonly HouseReading[] {
  if (corrected === null) return [];
  return late ?? (silentHours === undefined ? [] : hours(...silentHours));
}
