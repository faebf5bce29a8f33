import { baseUnits, origins, readingQualities } from "../domain/reading/reading.ts";
import type { Finding } from "../domain/snapshot/finding.ts";
import { judgedRules } from "../domain/snapshot/finding.ts";
import type { Estimate, Evidence, RegisterSnapshot, Snapshot } from "../domain/snapshot/snapshot.ts";
import { faults, lifecycles, methods, openingBases, snapshotQualities } from "../domain/snapshot/snapshot.ts";

/** How a member shows that only a newer version knows; it is written again as it was read. */
export const unknownMember = "unknown:";

/** Grows to the largest snapshot ever written; a record is copied out of it. */
let out = Buffer.allocUnsafe(16 * 1024);
let at = 0;
const headBytesMax = 512;
const rowBytesMax = 2048;
/** Of an estimate: an id has at most 64 characters. */
const inputsMax = 12;

/**
 * A snapshot as `meterbook.v1.Snapshot` (proto/meterbook/v1/snapshot.proto); a test holds it to the .proto file.
 *
 * @param spareBytes left free behind it
 */
export function encodeSnapshot(snapshot: Snapshot, spareBytes = 0): Buffer {
  const bytesMax = headBytesMax + 3 * snapshot.reason.length + rowBytesMax * snapshot.registers.length;
  if (bytesMax > out.length) out = Buffer.allocUnsafe(2 * bytesMax);
  at = 0;
  putText(0x0a, snapshot.meterId);
  if (snapshot.usagePointId !== snapshot.meterId) putText(0x12, snapshot.usagePointId);
  putNumber(0x18, snapshot.period);
  putNumber(0x20, snapshot.boundary);
  putNumber(0x28, snapshot.revision);
  putNumber(0x30, memberOf(lifecycles, snapshot.lifecycle));
  putNumber(0x38, snapshot.issuedAtMs);
  putWords(0x42, snapshot.reason);
  putHash(snapshot.hash);
  for (const row of snapshot.registers) {
    const start = beginMessage(0x52);
    putRow(row);
    endMessage(start);
  }
  const record = Buffer.allocUnsafe(at + spareBytes);
  out.copy(record, 0, 0, at);
  return record;
}

function putRow(row: RegisterSnapshot): void {
  putText(0x0a, row.register);
  putNumber(0x10, memberOf(baseUnits, row.unit));
  if (row.value !== null) putNumber(0x18, row.value);
  putNumber(0x20, memberOf(snapshotQualities, row.valueQuality));
  if (row.opening !== null) putNumber(0x28, row.opening);
  if (row.openingBasis !== null) putNumber(0x30, memberOf(openingBases, row.openingBasis));
  if (row.consumption !== null) putNumber(0x38, row.consumption);
  putNumber(0x40, memberOf(snapshotQualities, row.quality));
  putNumber(0x48, memberOf(methods, row.method));
  if (row.origin !== null) putNumber(0x50, memberOf(origins, row.origin));
  if (row.readAt !== null) putNumber(0x58, row.readAt);
  if (row.before !== null) putEvidence(0x62, row.before);
  if (row.after !== null) putEvidence(0x6a, row.after);
  if (row.intervals !== null) {
    putNumber(0x70, row.intervals.expected);
    putNumber(0x78, row.intervals.present);
  }
  if (row.fault !== null) putNumber(0x80, memberOf(faults, row.fault));
  if (row.openingAt !== null) putNumber(0x88, row.openingAt);
  if (row.carried !== null) putNumber(0x90, zigzag(row.carried));
  if (row.from !== null) putNumber(0x98, row.from);
  if (row.to !== null) putNumber(0xa0, row.to);
  for (const finding of row.findings) putFinding(finding);
  if (row.estimate !== null) putEstimate(row.estimate);
  if (row.usagePointId !== null) putText(0xba, row.usagePointId);
}

function putFinding({ rule, at: instant }: Finding): void {
  const start = beginMessage(0xaa);
  putNumber(0x08, memberOf(judgedRules, rule));
  putNumber(0x10, instant);
  endMessage(start);
}

function putEstimate({ method, inputs, low, high, cap, outageSeconds }: Estimate): void {
  const start = beginMessage(0xb2);
  putNumber(0x08, memberOf(methods, method));
  for (const input of inputs.slice(0, inputsMax)) putText(0x12, input);
  putNumber(0x18, low);
  putNumber(0x20, high);
  if (cap !== null) putNumber(0x28, cap);
  if (outageSeconds > 0) putNumber(0x30, outageSeconds);
  endMessage(start);
}

/** An amount that may be negative, as protobuf's `sint64` has it. */
function zigzag(amount: number): number {
  return amount < 0 ? -2 * amount - 1 : 2 * amount;
}

function putEvidence(tag: number, evidence: Evidence): void {
  const start = beginMessage(tag);
  putNumber(0x08, evidence.at);
  putNumber(0x10, evidence.value);
  putNumber(0x18, memberOf(readingQualities, evidence.quality));
  endMessage(start);
}

/** Answers where the length is, which goes before the body and is known after it. */
function beginMessage(tag: number): number {
  putVarint(tag);
  at += 1;
  return at - 1;
}

/** Nearly always the length takes the one byte that is left for it. */
function endMessage(lengthAt: number): void {
  const length = at - lengthAt - 1;
  if (length < 128) {
    out[lengthAt] = length;
    return;
  }
  out.copyWithin(lengthAt + 2, lengthAt + 1, at);
  const end = at + 1;
  at = lengthAt;
  putVarint(length);
  at = end;
}

const ascii = /^[\x20-\x7e]*$/;

/** What people write is in any language: UTF-8. */
function putWords(tag: number, text: string): void {
  if (ascii.test(text)) {
    putText(tag, text);
    return;
  }
  putVarint(tag);
  putVarint(Buffer.byteLength(text));
  at += out.write(text, at);
}

/** Ids and OBIS codes are ASCII; anything else would not come back. */
function putText(tag: number, text: string): void {
  putVarint(tag);
  putVarint(text.length);
  // Letter by letter: they are few, and a call out of JavaScript costs more.
  for (let i = 0; i < text.length; i += 1) out[at++] = text.charCodeAt(i);
}

/** The 64 hexadecimal digits after `sha256:`, in lower case. */
function putHash(hash: string): void {
  out[at++] = 0x4a;
  out[at++] = 32;
  for (let i = "sha256:".length; i < hash.length; i += 2)
    out[at++] = (nibble(hash.charCodeAt(i)) << 4) | nibble(hash.charCodeAt(i + 1));
}

function nibble(digit: number): number {
  return (digit & 15) + 9 * (digit >> 6);
}

function memberOf(names: readonly string[], name: string): number {
  const index = names.indexOf(name);
  return index === -1 && name.startsWith(unknownMember) ? Number(name.slice(unknownMember.length)) : index;
}

/** A number that could not be read again is a bug of whoever made it, and must not get into a ledger. */
function putNumber(tag: number, value: number): void {
  if (!Number.isSafeInteger(value) || value < 0)
    throw new RangeError(`snapshot record: field ${tag >>> 3} is ${value}`);
  putVarint(tag);
  putVarint(value);
}

function putVarint(value: number): void {
  let rest = value;
  while (rest >= 0x80000000) {
    out[at++] = (rest % 128) | 128;
    rest = Math.floor(rest / 128);
  }
  while (rest > 127) {
    out[at++] = (rest & 127) | 128;
    rest >>>= 7;
  }
  out[at++] = rest;
}
