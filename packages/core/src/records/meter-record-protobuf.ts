import protobuf from "protobufjs";
import { wireUnitNames } from "../domain/quantity/amount.ts";
import { baseUnits } from "../domain/reading/reading.ts";
import {
  type DatedMultiplier,
  directions,
  type Installation,
  type InstallationEvent,
  type MeterRecord,
  type RegisteredRegister,
} from "../domain/registry/meter-record.ts";
import { type Checked, faulty, readChecked } from "./checked-record.ts";
import type { Cursor } from "./protobuf-cursor.ts";
import {
  MalformedMessage,
  readFields,
  readMessage,
  readText,
  readUint32,
  readUnsigned,
  readWhole,
  skipField,
} from "./protobuf-cursor.ts";
import { withChecksum } from "./record-checksum.ts";

/** `meterbook.v1.MeterRecord` (proto/meterbook/v1/meter_record.proto) with its checksum. */
export function encodeMeterRecord(record: MeterRecord): Buffer {
  const { meterId, usagePointId, zone, registers, stepSeconds, connectionPowerW, installed, removed } = record;
  const { earlier = [] } = record;
  const out = protobuf.Writer.create();
  out.uint32(0x0a).string(meterId);
  if (usagePointId !== meterId) out.uint32(0x12).string(usagePointId);
  if (zone !== undefined) out.uint32(0x1a).string(zone);
  for (const register of registers) putRegister(out.uint32(0x22).fork(), register);
  if (stepSeconds !== undefined) out.uint32(0x28).uint32(stepSeconds);
  if (connectionPowerW !== undefined) out.uint32(0x30).uint64(connectionPowerW);
  if (installed !== undefined) putEvent(out.uint32(0x3a).fork(), installed);
  if (removed !== undefined) putEvent(out.uint32(0x42).fork(), removed);
  for (const one of earlier) putInstallation(out.uint32(0x4a).fork(), one);
  if (record.serialNumber !== undefined) out.uint32(0x52).string(record.serialNumber);
  return withChecksum(out.finish());
}

function putInstallation(out: protobuf.Writer, { usagePointId, installed, removed }: Installation): void {
  out.uint32(0x0a).string(usagePointId);
  if (installed !== undefined) putEvent(out.uint32(0x12).fork(), installed);
  if (removed !== undefined) putEvent(out.uint32(0x1a).fork(), removed);
  out.ldelim();
}

function putRegister(out: protobuf.Writer, given: RegisteredRegister): void {
  const { register, unit, digits, multiplier, modulus, direction, multipliers = [], displayUnit, annualUse } = given;
  out.uint32(0x0a).string(register).uint32(0x10).uint32(baseUnits.indexOf(unit));
  if (digits !== undefined) out.uint32(0x18).uint32(digits);
  if (multiplier !== undefined) out.uint32(0x20).uint32(multiplier);
  if (modulus !== undefined) out.uint32(0x28).uint64(modulus);
  if (direction !== undefined) out.uint32(0x30).uint32(directions.indexOf(direction));
  for (const { validFrom, multiplier: value } of multipliers)
    out.uint32(0x3a).fork().uint32(0x08).uint32(validFrom).uint32(0x10).uint32(value).ldelim();
  if (displayUnit !== undefined) out.uint32(0x40).uint32(wireUnitNames.indexOf(displayUnit));
  if (annualUse !== undefined) out.uint32(0x48).uint64(annualUse);
  out.ldelim();
}

function putEvent(out: protobuf.Writer, { at, values }: InstallationEvent): void {
  out.uint32(0x08).uint32(at);
  for (const [register, value] of Object.entries(values))
    out.uint32(0x12).fork().uint32(0x0a).string(register).uint32(0x10).uint64(value).ldelim();
  out.ldelim();
}

type Mutable<Of> = { -readonly [Key in keyof Of]: Of[Key] };

/**
 * What stands in the registry under a meter's id: its record, or why there is none, because a multiplier must not be
 * guessed.
 */
export function checkMeterRecord(meterId: string, body: unknown): Checked<MeterRecord> {
  const checked = readChecked(body, decodeMeterRecord);
  const isOther = checked.record !== undefined && checked.record.meterId !== meterId;
  return isOther ? faulty("key_mismatch", "it is the record of another meter") : checked;
}

const textFields: Readonly<Record<number, "meterId" | "usagePointId" | "zone" | "serialNumber">> = {
  [0x0a]: "meterId",
  [0x12]: "usagePointId",
  [0x1a]: "zone",
  [0x52]: "serialNumber",
};

/** Of bytes whose checksum is right. Throws MalformedMessage where they are no such record. */
function decodeMeterRecord(bytes: Uint8Array): MeterRecord {
  const registers: RegisteredRegister[] = [];
  const earlier: Installation[] = [];
  const record: Mutable<MeterRecord> = { meterId: "", usagePointId: "", registers };
  readFields(bytes, (cursor, tag) => {
    const text = textFields[tag];
    if (text !== undefined) record[text] = readText(cursor);
    else if (tag === 0x22) registers.push(takeRegister(cursor));
    else if (tag === 0x28) record.stepSeconds = readUint32(cursor);
    else if (tag === 0x30) record.connectionPowerW = readWhole(cursor);
    else if (tag === 0x3a) record.installed = takeEvent(cursor);
    else if (tag === 0x42) record.removed = takeEvent(cursor);
    else if (tag === 0x4a) earlier.push(takeInstallation(cursor));
    else skipField(cursor, tag, 10);
  });
  if (earlier.length > 0) record.earlier = earlier;
  if (record.meterId === "") throw new MalformedMessage("a registry record names no meter");
  if (record.usagePointId === "") record.usagePointId = record.meterId;
  return record;
}

function takeRegister(cursor: Cursor): RegisteredRegister {
  const register: Mutable<RegisteredRegister> = { register: "", unit: "Wh" };
  const multipliers: DatedMultiplier[] = [];
  readMessage(cursor, (tag) => {
    if (tag === 0x0a) register.register = readText(cursor);
    else if (tag === 0x10) register.unit = numbered(baseUnits, "unit", readUnsigned(cursor));
    else if (tag === 0x18) register.digits = readUint32(cursor);
    else if (tag === 0x20) register.multiplier = readUint32(cursor);
    else if (tag === 0x28) register.modulus = readWhole(cursor);
    else if (tag === 0x30) register.direction = numbered(directions, "direction", readUnsigned(cursor));
    else if (tag === 0x3a) multipliers.push(takeMultiplier(cursor));
    else if (tag === 0x40) register.displayUnit = numbered(wireUnitNames, "unit", readUnsigned(cursor));
    else if (tag === 0x48) register.annualUse = readWhole(cursor);
    else skipField(cursor, tag, 9);
  });
  if (multipliers.length > 0) register.multipliers = multipliers;
  return register;
}

function takeMultiplier(cursor: Cursor): DatedMultiplier {
  const dated: Mutable<DatedMultiplier> = { validFrom: 0, multiplier: 0 };
  readMessage(cursor, (tag) => {
    if (tag === 0x08) dated.validFrom = readUint32(cursor);
    else if (tag === 0x10) dated.multiplier = readUint32(cursor);
    else skipField(cursor, tag, 2);
  });
  return dated;
}

function takeInstallation(cursor: Cursor): Installation {
  const installation: Mutable<Installation> = { usagePointId: "" };
  readMessage(cursor, (tag) => {
    if (tag === 0x0a) installation.usagePointId = readText(cursor);
    else if (tag === 0x12) installation.installed = takeEvent(cursor);
    else if (tag === 0x1a) installation.removed = takeEvent(cursor);
    else skipField(cursor, tag, 3);
  });
  return installation;
}

/** What a later version may have more of. */
function numbered<Of>(all: readonly Of[], what: string, number: number): Of {
  const known = all[number];
  if (known === undefined) throw new MalformedMessage(`the registry holds a register of ${what} ${number}`);
  return known;
}

function takeEvent(cursor: Cursor): InstallationEvent {
  const values: [register: string, value: number][] = [];
  let at = 0;
  readMessage(cursor, (tag) => {
    if (tag === 0x08) at = readUint32(cursor);
    else if (tag === 0x12) values.push(takeValue(cursor));
    else skipField(cursor, tag, 2);
  });
  return { at, values: Object.fromEntries(values) };
}

function takeValue(cursor: Cursor): [register: string, value: number] {
  let register = "";
  let value = 0;
  readMessage(cursor, (tag) => {
    if (tag === 0x0a) register = readText(cursor);
    else if (tag === 0x10) value = readWhole(cursor);
    else skipField(cursor, tag, 2);
  });
  return [register, value];
}
