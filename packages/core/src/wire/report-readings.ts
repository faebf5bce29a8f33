import { wireUnits } from "../domain/amount.ts";
import type { WireUnit } from "../domain/amount.ts";
import { baseValue } from "../domain/units.ts";
import type { Channel, Kind, ReadingCode, ReadingSeries } from "../domain/reading.ts";
import { channelKey, emptyColumns, kinds, pushReading } from "../domain/reading.ts";
import { MalformedMessage } from "./protobuf-cursor.ts";
import { channelOf } from "./register-names.ts";
import type { WireFields, WireProfile, WireReport } from "./wire-report.ts";
import { unitNames } from "./wire-report.ts";

/** What to do with reading i of a report (readings first, then profiles flattened). */
export const verdicts = { keep: 0, suspect: 1, refuse: 2 } as const;

const suspectQuality = 3;
const linearSearchMax = 16;

/**
 * The readings of a report whose fields are known to be right, one series per channel, each in the report's order.
 * `originBits` is added to each quality. Without `verdictOf` all are kept.
 */
export function seriesOfReport(report: WireReport, originBits: number, verdictOf?: Uint8Array): readonly ReadingSeries[] {
  const found: ReadingSeries[] = [];
  const byKey = new Map<string, ReadingSeries>();
  let index = 0;
  for (const reading of report.readings) {
    const verdict = verdictOf?.[index++] ?? verdicts.keep;
    if (verdict === verdicts.refuse) continue;
    const series = seriesFor(found, byKey, channelOfFields(reading));
    const quality = verdict === verdicts.suspect ? suspectQuality : reading.quality;
    pushReading(series, reading.at, amountOf(reading, reading.value), quality + originBits);
  }
  for (const profile of report.profiles) {
    if (profile.deltas.length === 0) continue;
    const judged = verdictOf?.subarray(index, index + profile.deltas.length);
    index += profile.deltas.length;
    if (judged?.every((verdict) => verdict === verdicts.refuse)) continue;
    addProfile(seriesFor(found, byKey, channelOfFields(profile)), profile, originBits, judged);
  }
  return found;
}

function addProfile(series: ReadingSeries, profile: WireProfile, originBits: number, judged: Uint8Array | undefined): void {
  const { start, stepSeconds, deltas } = profile;
  const codes = qualities(profile);
  let amount = profile.base;
  for (let i = 0; i < deltas.length; i += 1) {
    amount = profile.kind === 0 ? amount + (deltas[i] as number) : profile.base + (deltas[i] as number);
    const verdict = judged?.[i] ?? verdicts.keep;
    if (verdict === verdicts.refuse) continue;
    const quality: ReadingCode = verdict === verdicts.suspect ? suspectQuality : (codes?.[i] ?? profile.quality);
    pushReading(series, start + i * stepSeconds, amountOf(profile, amount), quality + originBits);
  }
}

/** The quality of each reading where they differ. */
export function qualities({ quality, exceptions, deltas }: WireProfile): number[] | undefined {
  if (exceptions.length === 0) return undefined;
  const all = new Array<number>(deltas.length).fill(quality);
  for (const run of exceptions) all.fill(run.quality, run.first, run.first + run.count);
  return all;
}

function channelOfFields({ register, kind, unit, stepSeconds }: WireFields): Channel {
  const wireUnit = unitNames[unit];
  const kindName: Kind | undefined = kinds[kind];
  if (wireUnit === undefined || kindName === undefined || register.canonical === undefined) {
    throw new MalformedMessage(`the log holds a reading of register "${register.text}", unit ${unit}, kind ${kind}`);
  }
  return channelOf(register, kindName, wireUnits[wireUnit].base, kindName === "interval" ? stepSeconds : 0);
}

function amountOf({ unit, exponent }: WireFields, digits: number): number {
  const value = baseValue(digits, exponent, unitNames[unit] as WireUnit);
  if (typeof value === "string") throw new MalformedMessage(`the log holds a value that is ${value}`);
  return value;
}

function seriesFor(found: ReadingSeries[], byKey: Map<string, ReadingSeries>, channel: Channel): ReadingSeries {
  if (found.length > linearSearchMax) return seriesByKey(found, byKey, channel);
  for (let i = found.length - 1; i >= 0; i -= 1) {
    const series = found[i] as ReadingSeries;
    if (isSameChannel(series.channel, channel)) return series;
  }
  return addSeries(found, channel);
}

function isSameChannel(a: Channel, b: Channel): boolean {
  if (a === b) return true;
  return a.register === b.register && a.kind === b.kind && a.unit === b.unit && a.stepSeconds === b.stepSeconds;
}

/** A search from end to end would take a second for a hostile message with ten thousand channels. */
function seriesByKey(found: ReadingSeries[], byKey: Map<string, ReadingSeries>, channel: Channel): ReadingSeries {
  if (byKey.size === 0) for (const series of found) byKey.set(channelKey(series.channel), series);
  const key = channelKey(channel);
  const known = byKey.get(key);
  if (known !== undefined) return known;
  const series = addSeries(found, channel);
  byKey.set(key, series);
  return series;
}

function addSeries(found: ReadingSeries[], channel: Channel): ReadingSeries {
  const series = { channel, ...emptyColumns() };
  found.push(series);
  return series;
}
