import protobuf from "protobufjs";
import {
  type Dated,
  type FactName,
  factNames,
  readingPolicies,
  type UsagePointFacts,
  type UsagePointRecord,
  usagePointStatuses,
} from "../../domain/registry/usage-point.ts";
import { type Checked, faulty, readChecked } from "../checked-record.ts";
import type { Cursor } from "../protobuf-cursor.ts";
import {
  MalformedMessage,
  readFields,
  readMessage,
  readText,
  readUint32,
  readWhole,
  skipField,
} from "../protobuf-cursor.ts";
import { withChecksum } from "../record-checksum.ts";

/** `meterbook.v1.UsagePointRecord` (proto/meterbook/v1/registry_change.proto) with its checksum. */
export function encodeUsagePoint(record: UsagePointRecord): Buffer {
  const out = protobuf.Writer.create().uint32(0x0a).string(record.usagePointId);
  putAll(out, 0x12, record.zone, putText);
  putAll(out, 0x1a, record.connectionPowerW, putNumber);
  putAll(out, 0x22, record.feeder, putText);
  putAll(out, 0x2a, record.supplier, putText);
  putAll(out, 0x32, record.groups, (into, groups) => {
    for (const group of groups) putText(into, group);
  });
  putAll(out, 0x3a, record.status, (into, status) => putNumber(into, usagePointStatuses.indexOf(status)));
  putAll(out, 0x42, record.readingPolicy, (into, policy) => putNumber(into, readingPolicies.indexOf(policy)));
  putAll(out, 0x4a, record.measures, putText);
  return withChecksum(out.finish());
}

function putText(out: protobuf.Writer, value: string): void {
  out.uint32(0x12).string(value);
}

function putNumber(out: protobuf.Writer, value: number): void {
  out.uint32(0x10).uint64(value);
}

function putAll<Value>(
  out: protobuf.Writer,
  tag: number,
  dated: readonly Dated<Value>[] = [],
  put: (out: protobuf.Writer, value: Value) => void,
): void {
  for (const { validFrom, value } of dated) {
    put(out.uint32(tag).fork().uint32(0x08).uint32(validFrom), value);
    out.ldelim();
  }
}

/** What stands in the registry under a usage point's id: its record, or why there is none. */
export function checkUsagePoint(usagePointId: string, body: unknown): Checked<UsagePointRecord> {
  const checked = readChecked(body, decodeUsagePoint);
  const isOther = checked.record !== undefined && checked.record.usagePointId !== usagePointId;
  return isOther ? faulty("key_mismatch", "it is the record of another usage point") : checked;
}

type Lists = { [Name in FactName]: Dated<UsagePointFacts[Name]>[] };

/** How each list is read, by its tag. */
const lists: ReadonlyMap<number, (into: Lists, cursor: Cursor) => unknown> = new Map([
  [0x12, (into: Lists, cursor: Cursor) => into.zone.push(takeText(cursor))],
  [0x1a, (into, cursor) => into.connectionPowerW.push(takeNumber(cursor))],
  [0x22, (into, cursor) => into.feeder.push(takeText(cursor))],
  [0x2a, (into, cursor) => into.supplier.push(takeText(cursor))],
  [0x32, (into, cursor) => into.groups.push(takeGroups(cursor))],
  [0x3a, (into, cursor) => into.status.push(takeNamed(cursor, usagePointStatuses))],
  [0x42, (into, cursor) => into.readingPolicy.push(takeNamed(cursor, readingPolicies))],
  [0x4a, (into, cursor) => into.measures.push(takeText(cursor))],
]);

function decodeUsagePoint(bytes: Uint8Array): UsagePointRecord {
  const facts: Lists = {
    zone: [],
    connectionPowerW: [],
    feeder: [],
    supplier: [],
    groups: [],
    status: [],
    readingPolicy: [],
    measures: [],
  };
  let usagePointId = "";
  readFields(bytes, (cursor, tag) => {
    const take = lists.get(tag);
    if (tag === 0x0a) usagePointId = readText(cursor);
    else if (take === undefined) skipField(cursor, tag, 9);
    else take(facts, cursor);
  });
  if (usagePointId === "") throw new MalformedMessage("a registry record names no usage point");
  const said = factNames.filter((name) => facts[name].length > 0);
  return { usagePointId, ...Object.fromEntries(said.map((name) => [name, facts[name]])) };
}

function takeDated<Value>(cursor: Cursor, valueTag: number, start: Value, read: () => Value): Dated<Value> {
  const dated = { validFrom: 0, value: start };
  readMessage(cursor, (tag) => {
    if (tag === 0x08) dated.validFrom = readUint32(cursor);
    else if (tag === valueTag) dated.value = read();
    else skipField(cursor, tag, 2);
  });
  return dated;
}

const takeText = (cursor: Cursor) => takeDated(cursor, 0x12, "", () => readText(cursor));
const takeNumber = (cursor: Cursor) => takeDated(cursor, 0x10, 0, () => readWhole(cursor));
const takeGroups = (cursor: Cursor) => {
  const groups: string[] = [];
  return takeDated<readonly string[]>(cursor, 0x12, groups, () => {
    groups.push(readText(cursor));
    return groups;
  });
};

function takeNamed<Name extends string>(cursor: Cursor, names: readonly Name[]): Dated<Name> {
  const { validFrom, value } = takeNumber(cursor);
  const name = names[value];
  if (name === undefined) throw new MalformedMessage(`the registry holds a number ${value} where there is ${names}`);
  return { validFrom, value: name };
}
