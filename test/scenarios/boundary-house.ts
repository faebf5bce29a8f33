import { expect } from "vitest";
import type { EuZone } from "../support/fleets/eu-months.ts";
import { monthName, monthNumber, monthStart } from "../support/fleets/eu-months.ts";
import type { HouseRegister, RegisterOfTime } from "../support/fleets/house-register.ts";
import { houseRegister, houseRegisters } from "../support/fleets/house-register.ts";
import type { Outgoing } from "../support/network/publisher.ts";
import type { Around, BoundaryCase, Closing, HouseReading, RowQuality } from "./boundary-cases.ts";
import { boundaryCases, day, exact, hour, intervalAmount, intervalSeconds, lateReadings } from "./boundary-cases.ts";

export const firstMonth = monthNumber("2023-06");
export const months = 16;
/** The month whose end a case is about: one of each change of the clock. */
const eventMonths: Record<EuZone, number> = {
  "Europe/Berlin": monthNumber("2023-10"),
  "Europe/Kyiv": monthNumber("2024-03"),
};

/** A house of one case in one zone: what it sends, and what must be issued of it. */
export interface House {
  readonly meterId: string;
  /** Master data at first, and what replaces them later where they are completed. */
  readonly record: unknown;
  readonly installedRecord: unknown;
  readonly eventMonth: number;
  readonly late: boolean;
  /** Everything but what comes late. */
  firstMessages(): Outgoing[];
  /** How many readings those have. */
  readonly firstReadings: number;
  lateMessages(): Outgoing[];
  /** How many readings come late, and how many of them replace a guess. */
  readonly lateCounts: { readonly readings: number; readonly conflicts: number; readonly duplicates: number };
  /** The snapshots as they must be shown, before and after the late readings came. */
  expected(month: number, afterLate: boolean): unknown;
}

export function housesOf(zone: EuZone): House[] {
  const event = eventMonths[zone];
  const monthHours = (monthStart(zone, event + 1) - monthStart(zone, event)) / hour;
  return boundaryCases(monthHours).map((one, number) => houseOf(one, number, zone));
}

interface Place {
  readonly meterId: string;
  readonly zone: EuZone;
  readonly one: BoundaryCase;
  readonly eventMonth: number;
  readonly shows: RegisterOfTime;
  readonly firstAt: number;
}

function houseOf(one: BoundaryCase, number: number, zone: EuZone): House {
  const eventMonth = eventMonths[zone];
  const end = monthStart(zone, eventMonth + 1);
  const runs = houseRegister(number * 2 + (zone === "Europe/Kyiv" ? 1 : 0));
  const { drop } = one;
  const shows: RegisterOfTime = (register, at) =>
    runs(register, at) - (drop !== undefined && at >= end + drop.from ? drop.wattHours : 0);
  const meterId = `${zone.slice(7).toLowerCase()}.${one.name}`;
  const place = { meterId, zone, one, eventMonth, shows, firstAt: monthStart(zone, firstMonth) + (one.begins ?? 0) };
  const late = lateReadings(one);
  const guesses = (one.extra ?? []).filter((guess) =>
    late.some(({ offset, kind }) => offset === guess.offset && kind === guess.kind),
  );
  const first = () => [...hourly(place), ...around(place, one.extra ?? [])];
  const wrong = guesses.filter(({ errorWh }) => errorWh !== 0).length;
  return {
    meterId,
    record: { zone, usagePointId: `place-of-${meterId}` },
    installedRecord: installedRecordOf(place),
    eventMonth,
    late: late.length > 0,
    firstMessages: () => messagesOf(place, first()),
    firstReadings: first().length * houseRegisters.length,
    lateMessages: () => messagesOf(place, around(place, late)),
    lateCounts: {
      readings: late.length * houseRegisters.length,
      conflicts: wrong * houseRegisters.length,
      duplicates: (guesses.length - wrong) * houseRegisters.length,
    },
    expected: (month, afterLate) => snapshotOf(place, month, afterLate && late.length > 0),
  };
}

/** With the reading of the installation, which comes from the fitters' office after the meter's own. */
function installedRecordOf({ meterId, zone, one, firstAt, shows }: Place): unknown {
  const { installedBelow } = one;
  if (installedBelow === undefined) return undefined;
  const registers = houseRegisters.map((register) => ({ register, unit: "Wh", multiplier: 1 }));
  const values = Object.fromEntries(
    houseRegisters.map((register) => [register, shows(register, firstAt) - installedBelow]),
  );
  const installed = { at: iso(firstAt - hour), values };
  return { zone, usagePointId: `place-of-${meterId}`, registers, installed };
}

// What is sent.

interface Sent extends HouseReading {
  readonly at: number;
}

function hourly({ zone, one, eventMonth, firstAt }: Place): Sent[] {
  const end = monthStart(zone, eventMonth + 1);
  const [from, to] = one.silentHours ?? [1, 0];
  const last = monthStart(zone, firstMonth + months) + day;
  const all: Sent[] = [];
  for (let at = firstAt; at <= last; at = Math.floor(at / hour) * hour + hour) {
    const hours = (at - end) / hour;
    if (hours < from || hours > to) all.push({ at, offset: at - end, kind: "register", quality: "actual", errorWh: 0 });
  }
  return all;
}

function around({ zone, eventMonth }: Place, readings: readonly HouseReading[]): Sent[] {
  const end = monthStart(zone, eventMonth + 1);
  return readings.map((reading) => ({ ...reading, at: end + reading.offset }));
}

/** Messages of 24 instants, ascending; one zone's meters speak Wh and UTC, the other's kWh and local time. */
function messagesOf(place: Place, sent: readonly Sent[]): Outgoing[] {
  const ascending = [...sent].sort((a, b) => a.at - b.at);
  const messages: Outgoing[] = [];
  for (let i = 0; i < ascending.length; i += 24) {
    const readings = ascending
      .slice(i, i + 24)
      .flatMap((one) => houseRegisters.map((register) => wireReading(place, register, one)));
    messages.push({ topic: `meters/${place.meterId}/readings/json`, payload: JSON.stringify({ readings }) });
  }
  return messages;
}

function wireReading({ shows, zone }: Place, register: HouseRegister, { at, kind, quality, errorWh }: Sent): unknown {
  const wattHours = kind === "register" ? shows(register, at) + errorWh : intervalAmount(shows, register, at);
  const step = kind === "interval" ? { stepSeconds: intervalSeconds } : {};
  const amount =
    zone === "Europe/Berlin"
      ? { at: iso(at), value: wattHours, unit: "Wh" }
      : { at: iso(at + 7200).replace("Z", "+02:00"), value: kilo(wattHours), unit: "kWh" };
  return { register, kind, quality, ...step, ...amount };
}

function kilo(wattHours: number): string {
  return `${Math.floor(wattHours / 1000)}.${String(wattHours % 1000).padStart(3, "0")}`;
}

// What must be issued.

function closingOf({ one, eventMonth, zone }: Place, month: number, afterLate: boolean): Closing {
  // A whole month of silence follows the end of the month before.
  if (month === eventMonth - 1 && one.name === "silent-month") {
    return exact(0, "actual", monthStart(zone, eventMonth + 1) - monthStart(zone, eventMonth) + 2 * day);
  }
  if (month !== eventMonth) return exact();
  return afterLate ? (one.corrected ?? exact()) : one.expected;
}

/** What is known of a register around a month's end. */
function seenAround(place: Place, month: number, register: HouseRegister, afterLate: boolean) {
  const end = monthStart(place.zone, month + 1);
  const come = afterLate ? lateReadings(place.one) : [];
  function guessAt(offset: number): HouseReading | undefined {
    if (month !== place.eventMonth || come.some((one) => one.offset === offset && one.kind === "register"))
      return undefined;
    return place.one.extra?.find((one) => one.offset === offset && one.kind === "register");
  }
  const seen: Around = {
    at: (offset) => place.shows(register, end + offset) + (guessAt(offset)?.errorWh ?? 0),
    counted(from, to) {
      let sum = 0;
      for (let at = end + from; at < end + to; at += intervalSeconds)
        sum += intervalAmount(place.shows, register, at + intervalSeconds);
      return sum;
    },
  };
  return { end, seen, qualityAt: (offset: number) => guessAt(offset)?.quality ?? "actual" };
}

function closingValueOf(place: Place, month: number, register: HouseRegister, afterLate: boolean) {
  const closing = closingOf(place, month, afterLate);
  const { seen } = seenAround(place, month, register, afterLate);
  return { value: closing.value(seen), quality: closing.quality };
}

function openingOf(place: Place, month: number, register: HouseRegister, afterLate: boolean) {
  if (month > firstMonth)
    return {
      ...closingValueOf(place, month - 1, register, afterLate),
      at: monthStart(place.zone, month),
      basis: "previous",
    };
  const first = place.shows(register, place.firstAt);
  const { installedBelow } = place.one;
  return installedBelow === undefined
    ? { value: first, quality: "actual" as const, at: place.firstAt, basis: "first-reading" }
    : { value: first - installedBelow, quality: "actual" as const, at: place.firstAt - hour, basis: "installation" };
}

const fromBest: readonly RowQuality[] = ["actual", "derived", "estimated", "suspect", "missing"];

function rowOf(place: Place, month: number, register: HouseRegister, afterLate: boolean): unknown {
  const closing = closingOf(place, month, afterLate);
  const { end, seen, qualityAt } = seenAround(place, month, register, afterLate);
  const value = closing.value(seen);
  const opening = openingOf(place, month, register, afterLate);
  const isBackwards = place.one.drop !== undefined && month === place.eventMonth;
  const evidence = (offset: number | null) =>
    offset === null ? null : { at: iso(end + offset), value: seen.at(offset), quality: qualityAt(offset) };
  const worst = fromBest[Math.max(fromBest.indexOf(closing.quality), fromBest.indexOf(opening.quality))];
  return {
    register,
    usagePointId: `place-of-${place.meterId}`,
    unit: "Wh",
    value,
    valueQuality: closing.quality,
    opening: opening.value,
    openingBasis: opening.basis,
    openingAt: iso(opening.at),
    carried: 0,
    from: opening.at === monthStart(place.zone, month) ? null : iso(opening.at),
    to: null,
    consumption: value === null || opening.value === null || isBackwards ? null : value - opening.value,
    // A month without an opening has no consumption, however good its value is.
    quality: isBackwards
      ? "suspect"
      : opening.value === null && value !== null
        ? "incomplete"
        : opening.value === null
          ? closing.quality
          : worst,
    method: closing.method,
    origin: value === null ? null : "remote",
    readAt: closing.readAt === null ? null : iso(end + closing.readAt),
    evidence: { before: evidence(closing.before), after: evidence(closing.after) },
    intervals: null,
    fault: isBackwards ? "register_ran_backwards" : null,
    findings: findingsOf(place, month, end, afterLate),
    estimate: isBackwards ? null : estimateOf(closing, seen, opening.value, end),
  };
}

/** What is doubted within the month: readings that the meter calls suspect, and the step of a register that falls. */
function findingsOf({ one, eventMonth }: Place, month: number, end: number, afterLate: boolean): unknown {
  // A guess that is too high for the reading behind it is doubted.
  const isGuessed = (one.extra ?? []).some(({ quality, errorWh }) => quality === "estimated" && errorWh > 0);
  if (isGuessed && (month === eventMonth || month === eventMonth + 1)) return expect.any(Array);
  if (month !== eventMonth) return [];
  if (one.drop !== undefined) return [{ rule: "V13", at: iso(end + one.drop.from) }];
  // A second value for an instant, which is in effect now.
  const come = afterLate ? lateReadings(one) : [];
  const replaced = (one.extra ?? []).filter(
    ({ offset, kind, errorWh }) => errorWh !== 0 && come.some((late) => late.offset === offset && late.kind === kind),
  );
  if (replaced.length > 0) return replaced.map(({ offset }) => ({ rule: "V12", at: iso(end + offset) }));
  const suspect = afterLate ? [] : (one.extra ?? []).filter(({ quality }) => quality === "suspect");
  return suspect.map(({ offset }) => ({ rule: "V24", at: iso(end + offset) }));
}

/** An even spread lies between the readings on both sides. */
function estimateOf({ method, before, after }: Closing, { at }: Around, opening: number | null, end: number): unknown {
  if (method !== "FLAT_BETWEEN" || before === null || after === null || opening === null) return null;
  const [low, high] = [Math.max(0, at(before) - opening), at(after) - opening];
  const inputs = [iso(end + before), iso(end + after)];
  return { method, inputs, low, high, cap: null, outageSeconds: 0, replacedBy: null };
}

function snapshotOf(place: Place, month: number, afterLate: boolean): unknown {
  const isRevised = afterLate && (month === place.eventMonth || month === place.eventMonth + 1);
  const revision = isRevised ? 2 : 1;
  const period = monthName(month);
  return {
    id: `${place.meterId}/${period}/${revision}`,
    meterId: place.meterId,
    usagePointId: `place-of-${place.meterId}`,
    period,
    revision,
    lifecycle: isRevised ? "revised" : "final",
    boundary: iso(monthStart(place.zone, month + 1)),
    issuedAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
    reason: expect.stringMatching(/\w/),
    hash: expect.stringMatching(/^sha256:[0-9a-f]{64}$/),
    void: false,
    registers: houseRegisters.map((register) => rowOf(place, month, register, afterLate)),
  };
}

export function iso(seconds: number): string {
  return new Date(seconds * 1000).toISOString().replace(".000Z", "Z");
}
