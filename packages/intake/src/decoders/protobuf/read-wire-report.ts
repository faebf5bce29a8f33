import { marksOf, meterFlags } from "@meterbook/core/domain/reading/reading";
import type { Cursor } from "@meterbook/core/records/protobuf-cursor";
import {
  cursorOver,
  latinText,
  MalformedMessage,
  readEnd,
  readSigned,
  readUnsigned,
  skipField,
} from "@meterbook/core/records/protobuf-cursor";
import { noRegister, readRegister } from "@meterbook/core/records/register-names";
import { checkRegisters } from "../../count-registers.ts";
import type { QualityRun, WireProfile, WireReading, WireReport } from "../../wire-report.ts";
import { emptyReport, TooManyReadings } from "../../wire-report.ts";

const firstCheckAt = 128;

/**
 * The protobuf form of a report. Throws MalformedMessage; stops early at more than `readingsMax`, because an empty
 * reading takes two bytes. It looks for more than `registersMax` registers at each doubling from the first hundred
 * items on.
 */
export function readWireReport(bytes: Uint8Array, readingsMax: number, registersMax?: number): WireReport {
  const cursor = cursorOver(bytes);
  const report = emptyReport();
  let checkAt = firstCheckAt;
  while (cursor.at < bytes.length) {
    const isFirst = cursor.at === 0;
    const tag = readUnsigned(cursor);
    if (tag === 0x1a) report.readings.push(readReading(cursor));
    else if (tag === 0x22) report.profiles.push(readProfile(cursor, readingsMax - report.count, report));
    else if (tag === 0x0a) {
      const end = readEnd(cursor);
      report.meterId = latinText(cursor, cursor.at, end);
      cursor.at = end;
      report.bodyStart = isFirst ? end : 0;
    } else readReportField(cursor, tag, report);
    if (tag === 0x1a) report.count += 1;
    if (registersMax !== undefined && report.readings.length + report.profiles.length >= checkAt) {
      checkRegisters(report, registersMax);
      checkAt *= 2;
    }
    if (Math.max(report.count, report.profiles.length) > readingsMax) throw tooMany(readingsMax);
  }
  if (registersMax !== undefined) checkRegisters(report, registersMax);
  return report;
}

function readReportField(cursor: Cursor, tag: number, report: WireReport): void {
  if (tag === 0x10) report.sequence = readUnsigned(cursor);
  else if (tag === 0x28) report.sentAt = readUnsigned(cursor);
  else if (tag === 0x30) report.marks |= flagMarks(readUnsigned(cursor));
  else if (tag === 0x32) {
    const end = readEnd(cursor);
    const outerEnd = cursor.end;
    cursor.end = end;
    while (cursor.at < end) report.marks |= flagMarks(readUnsigned(cursor));
    cursor.end = outerEnd;
  } else skipField(cursor, tag, 6);
}

/** A flag that this version does not know says nothing to it. */
function flagMarks(number: number): number {
  const flag = meterFlags[number - 1];
  return flag === undefined ? 0 : marksOf([flag]);
}

function tooMany(readingsMax: number): TooManyReadings {
  return new TooManyReadings(`it holds more than ${readingsMax} readings`);
}

function readReading(cursor: Cursor): WireReading {
  const outerEnd = cursor.end;
  cursor.end = readEnd(cursor);
  const reading: WireReading = {
    at: 0,
    register: noRegister,
    value: 0,
    unit: 0,
    exponent: 0,
    kind: 0,
    stepSeconds: 0,
    quality: 0,
    revision: 0,
    marks: 0,
  };
  while (cursor.at < cursor.end) readReadingField(cursor, reading);
  cursor.end = outerEnd;
  return reading;
}

function readReadingField(cursor: Cursor, reading: WireReading): void {
  const tag = readUnsigned(cursor);
  if (tag === 0x08) reading.at = readUnsigned(cursor);
  else if (tag === 0x12) reading.register = readRegister(cursor);
  else if (tag === 0x18) reading.value = readSigned(cursor);
  else if (tag === 0x20) reading.unit = readUnsigned(cursor);
  else if (tag === 0x28) reading.exponent = readSigned(cursor);
  else if (tag === 0x30) reading.kind = readUnsigned(cursor);
  else if (tag === 0x38) reading.stepSeconds = readUnsigned(cursor);
  else if (tag === 0x40) reading.quality = readUnsigned(cursor);
  else if (tag === 0x48) reading.revision = readUnsigned(cursor);
  else if (tag === 0x78) reading.marks = readUnsigned(cursor);
  else skipField(cursor, tag, 9);
}

function readProfile(cursor: Cursor, deltasMax: number, report: WireReport): WireProfile {
  const outerEnd = cursor.end;
  cursor.end = readEnd(cursor);
  const profile: WireProfile = {
    register: noRegister,
    unit: 0,
    exponent: 0,
    kind: 0,
    stepSeconds: 0,
    quality: 0,
    revision: 0,
    marks: 0,
    start: 0,
    base: 0,
    deltas: [],
    exceptions: [],
  };
  while (cursor.at < cursor.end) {
    readProfileField(cursor, profile);
    if (Math.max(profile.deltas.length, profile.exceptions.length) > deltasMax) throw tooMany(report.count + deltasMax);
  }
  cursor.end = outerEnd;
  report.count += profile.deltas.length;
  checkExceptions(profile);
  return profile;
}

function readProfileField(cursor: Cursor, profile: WireProfile): void {
  const tag = readUnsigned(cursor);
  if (tag === 0x42) readDeltas(cursor, profile.deltas);
  else if (tag === 0x0a) profile.register = readRegister(cursor);
  else if (tag === 0x10) profile.unit = readUnsigned(cursor);
  else if (tag === 0x18) profile.exponent = readSigned(cursor);
  else if (tag === 0x20) profile.kind = readUnsigned(cursor);
  else if (tag === 0x28) profile.start = readUnsigned(cursor);
  else if (tag === 0x30) profile.stepSeconds = readUnsigned(cursor);
  else if (tag === 0x38) profile.base = readSigned(cursor);
  else if (tag === 0x40) profile.deltas.push(readSigned(cursor));
  else if (tag === 0x48) profile.quality = readUnsigned(cursor);
  else if (tag === 0x52) profile.exceptions.push(readQualityRun(cursor));
  else if (tag === 0x58) profile.revision = readUnsigned(cursor);
  else if (tag === 0x78) profile.marks = readUnsigned(cursor);
  else skipField(cursor, tag, 11);
}

function readDeltas(cursor: Cursor, deltas: number[]): void {
  const outerEnd = cursor.end;
  cursor.end = readEnd(cursor);
  while (cursor.at < cursor.end) deltas.push(readSigned(cursor));
  cursor.end = outerEnd;
}

function readQualityRun(cursor: Cursor): QualityRun {
  const outerEnd = cursor.end;
  cursor.end = readEnd(cursor);
  const run = { first: 0, count: 0, quality: 0 };
  while (cursor.at < cursor.end) {
    const tag = readUnsigned(cursor);
    if (tag === 0x08) run.first = readUnsigned(cursor);
    else if (tag === 0x10) run.count = readUnsigned(cursor);
    else if (tag === 0x18) run.quality = readUnsigned(cursor);
    else skipField(cursor, tag, 3);
  }
  cursor.end = outerEnd;
  return run;
}

/** Runs that overlap would cost their length each; an encoder that makes them is broken. */
function checkExceptions({ exceptions, deltas }: WireProfile): void {
  let end = 0;
  for (const { first, count } of exceptions) {
    if (!(first >= end && first + count <= deltas.length)) {
      throw new MalformedMessage("the quality exceptions of a profile overlap or reach beyond its readings");
    }
    end = first + count;
  }
}
