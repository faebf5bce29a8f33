import type { Barrier } from "@meterbook/sharding/barrier";
import type { FrameFault } from "../domain/damage/frame-damage.ts";
import { origins } from "../domain/reading/reading.ts";
import type { LoggedReport } from "../ports/readings-log.ts";
import { barrierTag, readBarrier } from "./barrier-protobuf.ts";
import type { Cursor } from "./protobuf-cursor.ts";
import {
  cursorOver,
  latinText,
  MalformedMessage,
  readEnd,
  readInstantMs,
  readUint32,
  readUnsigned,
  skipField,
} from "./protobuf-cursor.ts";
import { checkedRecord, checksumBytes, putChecksum } from "./record-checksum.ts";

/** `meterbook.v1.Frame` (proto/meterbook/v1/frame.proto) with its checksum: a record of the readings log. */
export function encodeFrame(reports: readonly LoggedReport[]): Uint8Array {
  const lengths = reports.map(bodyLength);
  const size = lengths.reduce((sum, length) => sum + 1 + varintLength(length) + length, 0);
  // Not from the shared pool: the bytes go to another thread.
  const out = { bytes: Buffer.allocUnsafeSlow(size + checksumBytes), at: 0 };
  reports.forEach((report, index) => {
    out.bytes[out.at++] = 0x0a;
    writeVarint(out, lengths[index] as number);
    writeBody(out, report);
  });
  putChecksum(out.bytes);
  return out.bytes;
}

/** How many bytes a report adds to a frame, for batches that are bounded in bytes. */
export function frameBytesOf(report: LoggedReport): number {
  const length = bodyLength(report);
  return 1 + varintLength(length) + length;
}

export interface CheckedFrame {
  readonly reports: LoggedReport[];
  readonly faults: readonly FrameFault[];
  readonly barrier?: Barrier | undefined;
}

/**
 * Reads a frame, the checksum first. It never throws and is bounded by the bytes that are there: what cannot be used is
 * in `faults`. The reports alias `bytes`.
 */
export function checkFrame(bytes: Uint8Array): CheckedFrame {
  const record = checkedRecord(bytes);
  if (record === undefined) {
    const detail = "its checksum is absent or not that of its bytes";
    return unusable({ code: "checksum_mismatch", detail, meterId: null, lost: null });
  }
  try {
    return readReports(record);
  } catch (error) {
    if (!(error instanceof MalformedMessage)) throw error;
    return unusable({ code: "record_unreadable", detail: error.message, meterId: null, lost: null });
  }
}

function unusable(fault: FrameFault): CheckedFrame {
  return { reports: [], faults: [fault] };
}

function readReports(record: Uint8Array): CheckedFrame {
  const cursor = cursorOver(record);
  const reports: LoggedReport[] = [];
  const faults: FrameFault[] = [];
  let barrier: Barrier | undefined;
  while (cursor.at < record.length) {
    const tag = readUnsigned(cursor);
    if (tag === barrierTag) {
      barrier = readBarrier(cursor);
      continue;
    }
    if (tag !== 0x0a) {
      skipField(cursor, tag, 1);
      continue;
    }
    const read = readFrameReport(cursor);
    const origin = origins[read.origin];
    if (origin === undefined) faults.push(unknownOrigin(read, read.origin));
    else {
      const { meterId, receivedAtMs, report, readings } = read;
      reports.push({ meterId, receivedAtMs, report, readings, origin });
    }
  }
  return { reports, faults, barrier };
}

/** It must not be guessed: of two readings of one instant the origin says which counts. */
function unknownOrigin({ meterId, readings }: Pick<LoggedReport, "meterId" | "readings">, origin: number): FrameFault {
  const detail = `a report of ${meterId} is of origin ${origin}, which this version does not know`;
  return { code: "record_unreadable", detail, meterId, lost: readings };
}

interface Output {
  readonly bytes: Buffer;
  at: number;
}

/** Meter ids are ASCII by their pattern, so a character is a byte. */
function bodyLength({ meterId, receivedAtMs, origin, report, readings }: LoggedReport): number {
  const fixed = 2 + meterId.length + 1 + varintLength(receivedAtMs) + 1 + varintLength(report.length) + report.length;
  return fixed + (origin === "remote" ? 0 : 2) + 1 + varintLength(readings);
}

function writeBody(out: Output, { meterId, receivedAtMs, origin, report, readings }: LoggedReport): void {
  out.bytes[out.at++] = 0x0a;
  out.bytes[out.at++] = meterId.length;
  for (let i = 0; i < meterId.length; i += 1) out.bytes[out.at++] = meterId.charCodeAt(i);
  out.bytes[out.at++] = 0x10;
  writeVarint(out, receivedAtMs);
  out.bytes[out.at++] = 0x1a;
  writeVarint(out, report.length);
  out.bytes.set(report, out.at);
  out.at += report.length;
  if (origin !== "remote") {
    out.bytes[out.at++] = 0x20;
    out.bytes[out.at++] = origins.indexOf(origin);
  }
  out.bytes[out.at++] = 0x28;
  writeVarint(out, readings);
}

function varintLength(value: number): number {
  let length = 1;
  for (let rest = value; rest >= 128; rest /= 128) length += 1;
  return length;
}

function writeVarint(out: Output, value: number): void {
  let rest = value;
  while (rest >= 128) {
    out.bytes[out.at++] = (rest % 128) + 128;
    rest = Math.floor(rest / 128);
  }
  out.bytes[out.at++] = rest;
}

function readFrameReport(cursor: Cursor): Omit<LoggedReport, "origin"> & { readonly origin: number } {
  const outerEnd = cursor.end;
  cursor.end = readEnd(cursor);
  let meterId = "";
  let receivedAtMs = 0;
  let report: Uint8Array = cursor.bytes.subarray(0, 0);
  let origin = 0;
  let readings = 0;
  while (cursor.at < cursor.end) {
    const tag = readUnsigned(cursor);
    if (tag === 0x0a) {
      const end = readEnd(cursor);
      meterId = latinText(cursor, cursor.at, end);
      cursor.at = end;
    } else if (tag === 0x10) receivedAtMs = readInstantMs(cursor);
    else if (tag === 0x1a) {
      const end = readEnd(cursor);
      report = cursor.bytes.subarray(cursor.at, end);
      cursor.at = end;
    } else if (tag === 0x20) origin = readUnsigned(cursor);
    else if (tag === 0x28) readings = readUint32(cursor);
    else skipField(cursor, tag, 5);
  }
  cursor.end = outerEnd;
  return { meterId, receivedAtMs, origin, report, readings };
}
