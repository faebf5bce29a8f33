import type { BaseUnit, Channel, Origin, ReadingCode, ReadingSeries } from "@meterbook/core/domain/reading/reading";
import {
  codeMarks,
  flagsOf,
  kinds,
  marksOf,
  meterFlags,
  origins,
  revisionOf,
  sentQualityIndexOf,
} from "@meterbook/core/domain/reading/reading";
import protobuf from "protobufjs";
import { seriesOfReport } from "../../kept-readings.ts";
import { unitNames } from "../../wire-report.ts";
import { readWireReport } from "./read-wire-report.ts";

/**
 * The readings of a report that intake has accepted, in base units, one series per channel, in the report's order.
 * `origin` becomes part of each code. Throws MalformedMessage where the bytes are not what intake lets through.
 */
export function decodeReport(report: Uint8Array, origin: Origin): readonly ReadingSeries[] {
  return seriesOfReport(readWireReport(report, Number.POSITIVE_INFINITY), origins.indexOf(origin));
}

export interface ReportContent {
  readonly meterId?: string;
  readonly sequence?: number;
  /** What an operator says of it. */
  readonly note?: string;
  /** At most one per channel. Origins are not written: a frame holds the origin of a whole report. */
  readonly series: readonly ReadingSeries[];
}

/**
 * A `MeterReport`; evenly spaced readings are packed into profiles, so a day of quarter hours takes about 200 bytes.
 */
export function encodeReport({ meterId = "", sequence = 0, note = "", series }: ReportContent): Uint8Array {
  const out = protobuf.Writer.create();
  if (meterId !== "") out.uint32(0x0a).string(meterId);
  if (sequence !== 0) out.uint32(0x10).uint64(sequence);
  const common = commonMarks(series);
  for (const flag of flagsOf(common)) out.uint32(0x30).uint32(meterFlags.indexOf(flag) + 1);
  const packed = series.map((one) => ({ one, runs: runsOf(one) }));
  for (const { one, runs } of packed) if (!isWorthPacking(one, runs)) writeReadings(out, one, common);
  for (const { one, runs } of packed) if (isWorthPacking(one, runs)) writeProfiles(out, one, runs, common);
  if (note !== "") out.uint32(0x42).string(note);
  return out.finish();
}

/** The flags that all readings have: those of the report. */
function commonMarks(series: readonly ReadingSeries[]): number {
  let common = marksOf(meterFlags);
  for (const { code } of series) for (const one of code) common &= one;
  return common;
}

interface Run {
  readonly first: number;
  readonly count: number;
  readonly stepSeconds: number;
}

function runsOf(series: ReadingSeries): Run[] {
  const { at } = series;
  const runs: Run[] = [];
  for (let first = 0; first < at.length; ) {
    const run = runFrom(series, first);
    runs.push(run);
    first += run.count;
  }
  return runs;
}

/**
 * The longest evenly spaced run of equal marks and revision that begins at `first`; an interval's spacing must also be
 * its length.
 */
function runFrom({ at, channel, code }: ReadingSeries, first: number): Run {
  const spacing = (at[first + 1] ?? 0) - (at[first] as number);
  const alone = { first, count: 1, stepSeconds: channel.stepSeconds };
  if (spacing <= 0 || (channel.kind === "interval" && spacing !== channel.stepSeconds)) return alone;
  let count = 1;
  while ((at[first + count] ?? 0) - (at[first + count - 1] as number) === spacing && isLike(code, first, first + count))
    count += 1;
  if (count === 1) return alone;
  return { first, count, stepSeconds: spacing };
}

function isLike(code: readonly ReadingCode[], first: number, other: number): boolean {
  const [a, b] = [code[first] as ReadingCode, code[other] as ReadingCode];
  return a === b || (codeMarks(a) === codeMarks(b) && revisionOf(a) === revisionOf(b));
}

/** All of a series or nothing, because profiles come after readings and the order within a channel must stay. */
function isWorthPacking({ at }: ReadingSeries, runs: readonly Run[]): boolean {
  return runs.length * 2 <= at.length;
}

function writeReadings(out: protobuf.Writer, { channel, at, value, code }: ReadingSeries, common: number): void {
  for (let i = 0; i < at.length; i += 1) {
    out
      .uint32(0x1a)
      .fork()
      .uint32(0x08)
      .uint32(at[i] as number)
      .uint32(0x12)
      .string(channel.register);
    out
      .uint32(0x18)
      .sint64(value[i] as number)
      .uint32(0x20)
      .uint32(wireUnit(channel.unit));
    writeKind(out, channel, 0x30);
    if (channel.stepSeconds !== 0) out.uint32(0x38).uint32(channel.stepSeconds);
    writeNumber(out, 0x40, sentQualityIndexOf(code[i] as ReadingCode));
    writeNumber(out, 0x48, revisionOf(code[i] as ReadingCode));
    writeNumber(out, 0x78, codeMarks(code[i] as ReadingCode) & ~common);
    out.ldelim();
  }
}

function writeProfiles(out: protobuf.Writer, series: ReadingSeries, runs: readonly Run[], common: number): void {
  const { channel, at, code } = series;
  for (const run of runs) {
    out.uint32(0x22).fork().uint32(0x0a).string(channel.register).uint32(0x10).uint32(wireUnit(channel.unit));
    writeKind(out, channel, 0x20);
    out.uint32(0x28).uint32(at[run.first] as number);
    if (run.stepSeconds !== 0) out.uint32(0x30).uint32(run.stepSeconds);
    writeAmounts(out, series, run);
    writeQualities(out, series, run);
    writeNumber(out, 0x58, revisionOf(code[run.first] as ReadingCode));
    writeNumber(out, 0x78, codeMarks(code[run.first] as ReadingCode) & ~common);
    out.ldelim();
  }
}

/** Register values as steps from one to the next, amounts as what they are above the smallest: both are small. */
function writeAmounts(out: protobuf.Writer, { channel, value }: ReadingSeries, { first, count }: Run): void {
  const amounts = value.slice(first, first + count);
  const isInterval = channel.kind === "interval";
  const base = isInterval ? amounts.reduce((least, one) => Math.min(least, one)) : (amounts[0] as number);
  out.uint32(0x38).sint64(base).uint32(0x42).fork();
  let before = base;
  for (const amount of amounts) {
    out.sint64(amount - before);
    if (!isInterval) before = amount;
  }
  out.ldelim();
}

function writeQualities(out: protobuf.Writer, { code }: ReadingSeries, { first, count }: Run): void {
  const usual = sentQualityIndexOf(code[first] as ReadingCode);
  writeNumber(out, 0x48, usual);
  for (let i = 1; i < count; ) {
    const quality = sentQualityIndexOf(code[first + i] as ReadingCode);
    let length = 1;
    while (i + length < count && sentQualityIndexOf(code[first + i + length] as ReadingCode) === quality) length += 1;
    if (quality !== usual) {
      out.uint32(0x52).fork().uint32(0x08).uint32(i).uint32(0x10).uint32(length);
      writeNumber(out, 0x18, quality);
      out.ldelim();
    }
    i += length;
  }
}

function writeKind(out: protobuf.Writer, { kind }: Channel, tag: number): void {
  if (kind !== "register") out.uint32(tag).uint32(kinds.indexOf(kind));
}

function writeNumber(out: protobuf.Writer, tag: number, number: number): void {
  if (number !== 0) out.uint32(tag).uint32(number);
}

function wireUnit(unit: BaseUnit): number {
  return unitNames.indexOf(unit);
}
