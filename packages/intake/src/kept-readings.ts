import { wireUnits } from "@meterbook/core/domain/quantity/amount";
import type { Channel, Kind, ReadingSeries } from "@meterbook/core/domain/reading/reading";
import { channelKey, codeOfNumbers, kinds, pushReading } from "@meterbook/core/domain/reading/reading";
import { MalformedMessage } from "@meterbook/core/records/protobuf-cursor";
import { channelOf } from "@meterbook/core/records/register-names";
import type { WireFields, WireProfile, WireReading, WireReport } from "./wire-report.ts";
import { unitNames } from "./wire-report.ts";

/**
 * What the door does with reading i of a report (readings first, then profiles flattened): what it found, as marks to
 * be kept with the reading, or `refused`.
 */
export type Verdicts = Int32Array;
export const refused = -1;

const linearSearchMax = 16;

/** The series of a report as they are found, at most one per channel. */
interface Found {
  readonly all: ReadingSeries[];
  /** Only where there are many: a search would take a second for a hostile message of ten thousand channels. */
  byKey: Map<string, ReadingSeries> | undefined;
}

/**
 * The readings of a report whose fields are known to be right, one series per channel, each in the report's order.
 * `origin` is an index of `origins`. With `verdictOf` the door's marks are those; without it all are kept as the log
 * has them.
 */
export function seriesOfReport(report: WireReport, origin: number, verdictOf?: Verdicts): readonly ReadingSeries[] {
  const found: Found = { all: [], byKey: undefined };
  const { readings, marks: ofReport } = report;
  for (let index = 0; index < readings.length; index += 1) {
    const reading = readings[index] as WireReading;
    const marks = verdictOf === undefined ? reading.marks : (verdictOf[index] as number);
    if (marks !== refused) addReading(found, reading, { marks: marks | ofReport, origin });
  }
  let index = readings.length;
  for (const profile of report.profiles) {
    const judged = verdictOf?.subarray(index, index + profile.deltas.length);
    index += profile.deltas.length;
    if (profile.deltas.length === 0 || judged?.every((verdict) => verdict === refused)) continue;
    addProfile(found, profile, { marks: ofReport, origin }, judged);
  }
  return found.all;
}

/** What is said of readings beside what each says itself. */
interface Told {
  readonly marks: number;
  readonly origin: number;
}

function addReading(found: Found, reading: WireReading, { marks, origin }: Told): void {
  const channel = channelOfFields(reading);
  const value = amountIn(reading.value, shiftOf(reading));
  const code = codeOfNumbers(reading.quality, origin, marks, reading.revision);
  const known = seriesOf(found, channel);
  if (known !== undefined) pushReading(known, reading.at, value, code);
  // Arrays that begin with an element take a quarter of the memory of those that grow to their first.
  else addSeries(found, { channel, at: [reading.at], value: [value], code: [code] });
}

function addProfile(found: Found, profile: WireProfile, told: Told, judged: Verdicts | undefined): void {
  const channel = channelOfFields(profile);
  const series = seriesOf(found, channel) ?? addSeries(found, { channel, at: [], value: [], code: [] });
  const { start, stepSeconds, deltas, base, kind, quality, revision } = profile;
  const { at, value, code } = series;
  const codes = qualities(profile);
  const shift = shiftOf(profile);
  let amount = base;
  for (let i = 0; i < deltas.length; i += 1) {
    amount = (kind === 0 ? amount : base) + (deltas[i] as number);
    const marks = judged === undefined ? profile.marks : (judged[i] as number);
    if (marks === refused) continue;
    at.push(start + i * stepSeconds);
    value.push(amountIn(amount, shift));
    const sent = codes === undefined ? quality : (codes[i] as number);
    code.push(codeOfNumbers(sent, told.origin, marks | told.marks, revision));
  }
}

/** The quality of each reading where they differ. */
export function qualities({ quality, exceptions, deltas }: WireProfile): number[] | undefined {
  if (exceptions.length === 0) return undefined;
  const all = new Array<number>(deltas.length).fill(quality);
  for (const run of exceptions) all.fill(run.quality, run.first, run.first + run.count);
  return all;
}

/** By unit number, as `unitNames`. */
const unitBases = unitNames.map((name) => (name === undefined ? undefined : wireUnits[name].base));
const unitZeros = unitNames.map((name) => (name === undefined ? 0 : wireUnits[name].zeros));

function channelOfFields({ register, kind, unit, stepSeconds }: WireFields): Channel {
  const base = unitBases[unit];
  const kindName: Kind | undefined = kinds[kind];
  if (base === undefined || kindName === undefined || register.canonical === undefined) {
    throw new MalformedMessage(`the log holds a reading of register "${register.text}", unit ${unit}, kind ${kind}`);
  }
  return channelOf(register, kindName, base, kindName === "interval" ? stepSeconds : 0);
}

function shiftOf({ unit, exponent }: WireFields): number {
  return exponent + (unitZeros[unit] as number);
}

/** Exact, because a value that does not come out as a whole number was never let in. */
function amountIn(digits: number, shift: number): number {
  if (shift === 0) return digits;
  const value = shift > 0 ? digits * 10 ** shift : digits / 10 ** -shift;
  if (!Number.isSafeInteger(value))
    throw new MalformedMessage("the log holds a value that is no whole number of base units");
  return value;
}

function seriesOf(found: Found, channel: Channel): ReadingSeries | undefined {
  const { all } = found;
  if (all.length > linearSearchMax) return found.byKey?.get(channelKey(channel));
  for (let i = all.length - 1; i >= 0; i -= 1) {
    const series = all[i] as ReadingSeries;
    if (isSameChannel(series.channel, channel)) return series;
  }
  return undefined;
}

function isSameChannel(a: Channel, b: Channel): boolean {
  if (a === b) return true;
  return a.register === b.register && a.kind === b.kind && a.unit === b.unit && a.stepSeconds === b.stepSeconds;
}

function addSeries(found: Found, series: ReadingSeries): ReadingSeries {
  found.all.push(series);
  if (found.byKey !== undefined) found.byKey.set(channelKey(series.channel), series);
  else if (found.all.length > linearSearchMax) {
    found.byKey = new Map(found.all.map((one) => [channelKey(one.channel), one]));
  }
  return series;
}
