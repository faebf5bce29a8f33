import { baseUnits, origins, readingQualities } from "../domain/reading/reading.ts";
import type { Finding } from "../domain/snapshot/finding.ts";
import { judgedRules } from "../domain/snapshot/finding.ts";
import type { Estimate, Evidence, RegisterSnapshot, Snapshot } from "../domain/snapshot/snapshot.ts";
import { faults, lifecycles, methods, openingBases, snapshotQualities } from "../domain/snapshot/snapshot.ts";
import { unknownMember } from "./encode-snapshot.ts";
import type { Cursor } from "./protobuf-cursor.ts";
import {
  cursorOver,
  latinText,
  MalformedMessage,
  readEnd,
  readInstant,
  readInstantMs,
  readUint32,
  readUnsigned,
  readText as readUtf8,
  readWhole,
  skipField,
} from "./protobuf-cursor.ts";
import { readRegister } from "./register-names.ts";

type Mutable<Of> = { -readonly [Key in keyof Of]: Of[Key] };

/**
 * The snapshot of a ledger record. An export reads a million of these, so the bytes are decoded straight into the
 * domain's form. Throws MalformedMessage if the bytes are not such a record: a ledger that cannot be read must not be
 * guessed.
 */
export function decodeSnapshot(bytes: Uint8Array): Snapshot {
  const cursor = cursorOver(bytes);
  const registers: RegisterSnapshot[] = [];
  const snapshot: Mutable<Snapshot> = {
    meterId: "",
    usagePointId: "",
    period: 0,
    boundary: 0,
    registers,
    revision: 0,
    lifecycle: "provisional",
    issuedAtMs: 0,
    reason: "",
    hash: "",
  };
  while (cursor.at < bytes.length) readField(cursor, snapshot, registers);
  if (snapshot.usagePointId === "") snapshot.usagePointId = snapshot.meterId;
  return snapshot;
}

function readField(cursor: Cursor, snapshot: Mutable<Snapshot>, registers: RegisterSnapshot[]): void {
  const tag = readUnsigned(cursor);
  if (tag === 0x52) registers.push(readRow(cursor));
  else if (tag === 0x0a) snapshot.meterId = readText(cursor);
  else if (tag === 0x12) snapshot.usagePointId = readText(cursor);
  else if (tag === 0x18) snapshot.period = readPeriod(cursor);
  else if (tag === 0x20) snapshot.boundary = readInstant(cursor);
  else if (tag === 0x28) snapshot.revision = readUint32(cursor);
  else if (tag === 0x30) snapshot.lifecycle = oneOf(lifecycles, readUnsigned(cursor));
  else if (tag === 0x38) snapshot.issuedAtMs = readInstantMs(cursor);
  else if (tag === 0x42) snapshot.reason = readWords(cursor);
  else if (tag === 0x4a) snapshot.hash = readHash(cursor);
  else skipField(cursor, tag, 10);
}

const periodMax = 9999 * 12 + 11;

function readPeriod(cursor: Cursor): number {
  const period = readWhole(cursor);
  if (period > periodMax) throw new MalformedMessage("a period lies beyond the year 9999");
  return period;
}

/** Nearly all reasons are our own, and ASCII; what people write is UTF-8. */
function readWords(cursor: Cursor): string {
  const from = cursor.at;
  const text = readText(cursor);
  if (!/[\x80-\xff]/.test(text)) return text;
  cursor.at = from;
  return readUtf8(cursor);
}

/** Ids are ASCII. */
function readText(cursor: Cursor): string {
  const end = readEnd(cursor);
  const text = latinText(cursor, cursor.at, end);
  cursor.at = end;
  return text;
}

function readHash(cursor: Cursor): string {
  const end = readEnd(cursor);
  const { buffer, byteOffset } = cursor.bytes;
  const hex = Buffer.from(buffer, byteOffset + cursor.at, end - cursor.at).toString("hex");
  cursor.at = end;
  return `sha256:${hex}`;
}

function readRow(cursor: Cursor): RegisterSnapshot {
  const outerEnd = cursor.end;
  cursor.end = readEnd(cursor);
  const row: Mutable<RegisterSnapshot> = {
    register: "",
    usagePointId: null,
    unit: "Wh",
    value: null,
    valueQuality: "actual",
    opening: null,
    openingBasis: null,
    openingAt: null,
    carried: null,
    from: null,
    to: null,
    consumption: null,
    quality: "actual",
    method: "EXACT",
    origin: null,
    readAt: null,
    before: null,
    after: null,
    intervals: null,
    fault: null,
    findings: noFindings,
    estimate: null,
  };
  while (cursor.at < cursor.end) {
    const tag = readUnsigned(cursor);
    const read = rowFields[tag >>> 3];
    if (read === undefined || tag % 8 !== wireTypeOf(tag >>> 3)) skipField(cursor, tag, rowFields.length - 1);
    else read(cursor, row);
  }
  cursor.end = outerEnd;
  return row;
}

type ReadField = (cursor: Cursor, row: Mutable<RegisterSnapshot>) => void;

/** By field number. */
const rowFields: readonly (ReadField | undefined)[] = [
  undefined,
  (cursor, row) => {
    row.register = readRegister(cursor).text;
  },
  (cursor, row) => {
    row.unit = oneOf(baseUnits, readUnsigned(cursor));
  },
  (cursor, row) => {
    row.value = readWhole(cursor);
  },
  (cursor, row) => {
    row.valueQuality = oneOf(snapshotQualities, readUnsigned(cursor));
  },
  (cursor, row) => {
    row.opening = readWhole(cursor);
  },
  (cursor, row) => {
    row.openingBasis = oneOf(openingBases, readUnsigned(cursor));
  },
  (cursor, row) => {
    row.consumption = readWhole(cursor);
  },
  (cursor, row) => {
    row.quality = oneOf(snapshotQualities, readUnsigned(cursor));
  },
  (cursor, row) => {
    row.method = oneOf(methods, readUnsigned(cursor));
  },
  (cursor, row) => {
    row.origin = oneOf(origins, readUnsigned(cursor));
  },
  (cursor, row) => {
    row.readAt = readInstant(cursor);
  },
  (cursor, row) => {
    row.before = readEvidence(cursor);
  },
  (cursor, row) => {
    row.after = readEvidence(cursor);
  },
  (cursor, row) => {
    row.intervals = { expected: readWhole(cursor), present: 0 };
  },
  (cursor, row) => {
    row.intervals = { expected: row.intervals?.expected ?? 0, present: readWhole(cursor) };
  },
  (cursor, row) => {
    row.fault = oneOf(faults, readUnsigned(cursor));
  },
  (cursor, row) => {
    row.openingAt = readInstant(cursor);
  },
  (cursor, row) => {
    row.carried = readSigned(cursor);
  },
  (cursor, row) => {
    row.from = readInstant(cursor);
  },
  (cursor, row) => {
    row.to = readInstant(cursor);
  },
  (cursor, row) => {
    row.findings = [...row.findings, readFinding(cursor)];
  },
  (cursor, row) => {
    row.estimate = readEstimate(cursor);
  },
  (cursor, row) => {
    row.usagePointId = readText(cursor);
  },
];

/** Nearly all rows have none. */
const noFindings: readonly Finding[] = [];
const lengthDelimited = new Set([1, 12, 13, 21, 22, 23]);

/** The register's name and the messages are length-delimited. */
function wireTypeOf(field: number): number {
  return lengthDelimited.has(field) ? 2 : 0;
}

function readSigned(cursor: Cursor): number {
  const folded = readWhole(cursor);
  return folded % 2 === 0 ? folded / 2 : -(folded + 1) / 2;
}

function readFinding(cursor: Cursor): Finding {
  const outerEnd = cursor.end;
  cursor.end = readEnd(cursor);
  const finding: Mutable<Finding> = { rule: judgedRules[0], at: 0 };
  while (cursor.at < cursor.end) {
    const tag = readUnsigned(cursor);
    if (tag === 0x08) finding.rule = oneOf(judgedRules, readUnsigned(cursor));
    else if (tag === 0x10) finding.at = readInstant(cursor);
    else skipField(cursor, tag, 2);
  }
  cursor.end = outerEnd;
  return finding;
}

function readEstimate(cursor: Cursor): Estimate {
  const outerEnd = cursor.end;
  cursor.end = readEnd(cursor);
  const inputs: string[] = [];
  const estimate: Mutable<Estimate> = { method: "EXACT", inputs, low: 0, high: 0, cap: null, outageSeconds: 0 };
  while (cursor.at < cursor.end) {
    const tag = readUnsigned(cursor);
    if (tag === 0x08) estimate.method = oneOf(methods, readUnsigned(cursor));
    else if (tag === 0x12) inputs.push(readText(cursor));
    else if (tag === 0x18) estimate.low = readWhole(cursor);
    else if (tag === 0x20) estimate.high = readWhole(cursor);
    else if (tag === 0x28) estimate.cap = readWhole(cursor);
    else if (tag === 0x30) estimate.outageSeconds = readWhole(cursor);
    else skipField(cursor, tag, 6);
  }
  cursor.end = outerEnd;
  return estimate;
}

function readEvidence(cursor: Cursor): Evidence {
  const outerEnd = cursor.end;
  cursor.end = readEnd(cursor);
  const evidence: Mutable<Evidence> = { at: 0, value: 0, quality: "actual" };
  while (cursor.at < cursor.end) {
    const tag = readUnsigned(cursor);
    if (tag === 0x08) evidence.at = readInstant(cursor);
    else if (tag === 0x10) evidence.value = readWhole(cursor);
    else if (tag === 0x18) evidence.quality = oneOf(readingQualities, readUnsigned(cursor));
    else skipField(cursor, tag, 3);
  }
  cursor.end = outerEnd;
  return evidence;
}

/**
 * What only a newer version knows is kept and shown by its number: it stops no reader, and is written again the same.
 */
function oneOf<Name extends string>(names: readonly Name[], index: number): Name {
  return names[index] ?? (`${unknownMember}${index}` as Name);
}
