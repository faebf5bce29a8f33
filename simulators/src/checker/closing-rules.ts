import type { KnownReading } from "./compare-readings.ts";
import type { RegisterRow } from "./meterbook-api.ts";
import { flagEstimated } from "./read-truth.ts";

// The rules for the value at a month's end, written down a second time on purpose: what checks the pipeline shares
// nothing with it. A reading within 60 s of the boundary is the value (EXACT); else a line between two readings at
// most 2 h apart (LINEAR_SHORT) or at most three years apart (FLAT_BETWEEN); else there is none (MISSING).
const snapSeconds = 60;
const linearSecondsMax = 2 * 3600;
const flatSecondsMax = 1096 * 86_400;

/** What a method makes of the readings. */
export interface Closing {
  readonly value: number | null;
  /** The readings that it rests on: one, or the one before and the one after the boundary. */
  readonly inputs: readonly KnownReading[];
  readonly why: string;
}

/** The value that the method which a snapshot names must have given, from the readings that it names. */
export function shouldBe(row: RegisterRow, readings: readonly KnownReading[], boundary: number): Closing {
  if (row.method === "MISSING") return none("there is nothing to go by");
  if (isByHistory(row)) return { value: row.value, inputs: [], why: "average daily use" };
  if (row.method === "EXACT")
    return exact(
      readings.find(({ at }) => at === row.readAt),
      boundary,
    );
  if (row.method === "LINEAR_SHORT") return between(row, readings, boundary, linearSecondsMax);
  if (row.method === "FLAT_BETWEEN") return between(row, readings, boundary, flatSecondsMax);
  return none(`${row.method} needs interval readings, and none were sent`);
}

/** What was used in months before decides, which is not computed here a second time. */
export function isByHistory({ method }: RegisterRow): boolean {
  return method.startsWith("ADU_") || method === "ANNUAL_EXPECTED";
}

function none(why: string): Closing {
  return { value: null, inputs: [], why };
}

function exact(named: KnownReading | undefined, boundary: number): Closing {
  if (named === undefined) return none("there is no reading at readAt");
  if (Math.abs(named.at - boundary) > snapSeconds) return none("readAt is not within 60 s");
  return { value: named.value, inputs: [named], why: "the reading at readAt" };
}

function between(
  { evidence }: RegisterRow,
  readings: readonly KnownReading[],
  boundary: number,
  gapMax: number,
): Closing {
  const before = readings.find(({ at }) => at === evidence.before?.at);
  const after = readings.find(({ at }) => at === evidence.after?.at);
  if (before === undefined || after === undefined) return none("its evidence is not there");
  if (before.at > boundary || after.at <= boundary) return none("its evidence is not on both sides of the boundary");
  if (after.at - before.at > gapMax) return none(`its evidence lies ${after.at - before.at} s apart`);
  return {
    value: onTheLine(before, after, boundary),
    inputs: [before, after],
    why: "on the line between the evidence",
  };
}

/** To the nearest whole unit, a half downwards. */
function onTheLine(before: KnownReading, after: KnownReading, boundary: number): number {
  const gap = BigInt(after.at - before.at);
  const risen = BigInt(after.value - before.value) * BigInt(boundary - before.at);
  const cut = risen / gap;
  return before.value + Number(2n * (risen % gap) > gap ? cut + 1n : cut);
}

/** What the readings near a boundary allow at best. */
export interface BestClosing {
  readonly method: string;
  readonly value: number | null;
}

/**
 * The closing from the actual readings if they give one, else from all readings. No answer if a register falls, because
 * no line is drawn then, nor if a reading that would decide contradicts its neighbours: what is left out then is the
 * judgement of what is checked here.
 */
export function bestClosing(readings: readonly KnownReading[], boundary: number): BestClosing | undefined {
  const near = readings.filter(({ at }) => Math.abs(at - boundary) <= flatSecondsMax);
  const actual = closingOf(
    near.filter(({ flags }) => (flags & flagEstimated) === 0),
    boundary,
  );
  return actual?.method === "MISSING" ? closingOf(near, boundary) : actual;
}

function closingOf(near: readonly KnownReading[], boundary: number): BestClosing | undefined {
  const there = closest(near, boundary);
  if (there !== undefined) return isContradicted(there, near) ? undefined : { method: "EXACT", value: there.value };
  const before = near.findLast(({ at }) => at <= boundary);
  const after = near.find(({ at }) => at > boundary);
  const none = { method: "MISSING", value: null };
  if (before === undefined || after === undefined) return none;
  if (isContradicted(before, near) || isContradicted(after, near)) return undefined;
  const gap = after.at - before.at;
  if (gap > flatSecondsMax) return none;
  return {
    method: gap <= linearSecondsMax ? "LINEAR_SHORT" : "FLAT_BETWEEN",
    value: onTheLine(before, after, boundary),
  };
}

/** The reading before it is higher, or the one behind it is lower. */
export function isContradicted(reading: KnownReading, readings: readonly KnownReading[]): boolean {
  const place = readings.indexOf(reading);
  const [before, after] = [readings[place - 1], readings[place + 1]];
  return (before?.value ?? 0) > reading.value || (after?.value ?? reading.value) < reading.value;
}

/** Within the snap distance; at a tie the one before the boundary. */
function closest(near: readonly KnownReading[], boundary: number): KnownReading | undefined {
  let best: KnownReading | undefined;
  for (const one of near) {
    const away = Math.abs(one.at - boundary);
    if (away <= snapSeconds && away < Math.abs((best?.at ?? Number.POSITIVE_INFINITY) - boundary)) best = one;
  }
  return best;
}
