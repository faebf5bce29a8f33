import protobuf from "protobufjs";
import type {
  Acknowledgement,
  Damage,
  DamageCode,
  DamagedPlace,
  Mending,
  MendingOutcome,
  RepairOrder,
} from "../domain/damage/damage.ts";
import { type Checked, readOneOf } from "./checked-record.ts";
import { type Cursor, readInstantMs, readMessage, readText, readWhole, skipField } from "./protobuf-cursor.ts";
import { withChecksum } from "./record-checksum.ts";

/** A record of the damage log's topic. */
export type DamageRecord =
  | { readonly kind: "damage"; readonly damage: Damage }
  | { readonly kind: "acknowledgement"; readonly id: string; readonly word: Acknowledgement }
  | { readonly kind: "order"; readonly id: string; readonly order: RepairOrder }
  | { readonly kind: "mending"; readonly id: string; readonly mending: Mending };

/** `meterbook.v1.DamageRecord` (proto/meterbook/v1/damage_record.proto). */
export function encodeDamageRecord(record: DamageRecord): Buffer {
  const out = protobuf.Writer.create();
  if (record.kind === "damage") putDamage(out.uint32(0x0a).fork(), record.damage);
  else if (record.kind === "acknowledgement") putWord(out.uint32(0x12).fork(), record.id, record.word);
  else if (record.kind === "order") putWord(out.uint32(0x1a).fork(), record.id, record.order);
  else putMending(out.uint32(0x22).fork(), record.id, record.mending);
  return withChecksum(out.ldelim().finish());
}

function putDamage(out: protobuf.Writer, damage: Damage): void {
  const { id, place, code, where, detail, help, meterId, period, lost, foundAtMs } = damage;
  out.uint32(0x0a).string(id).uint32(0x12).string(place).uint32(0x1a).string(code).uint32(0x22).string(where);
  out.uint32(0x2a).string(detail).uint32(0x32).string(help);
  if (meterId !== null) out.uint32(0x3a).string(meterId);
  if (period !== null) out.uint32(0x42).string(period);
  if (lost !== null) out.uint32(0x48).uint64(lost);
  out.uint32(0x50).uint64(foundAtMs);
}

function putWord(out: protobuf.Writer, id: string, { atMs, by, reason }: Acknowledgement): void {
  out.uint32(0x0a).string(id).uint32(0x10).uint64(atMs).uint32(0x1a).string(by).uint32(0x22).string(reason);
}

function putMending(out: protobuf.Writer, id: string, { atMs, outcome, detail, lost }: Mending): void {
  out.uint32(0x0a).string(id).uint32(0x10).uint64(atMs).uint32(0x1a).string(outcome).uint32(0x22).string(detail);
  if (lost !== null) out.uint32(0x28).uint64(lost);
}

/** Never throws. */
export function checkDamageRecord(body: unknown): Checked<DamageRecord> {
  return readOneOf(body, kinds);
}

const kinds = new Map<number, (cursor: Cursor) => DamageRecord>([
  [0x0a, takeDamage],
  [0x12, (cursor) => ({ kind: "acknowledgement", ...takeWord(cursor) })],
  [0x1a, (cursor) => orderOf(takeWord(cursor))],
  [0x22, takeMending],
]);

type Mutable<Of> = { -readonly [Key in keyof Of]: Of[Key] };

function takeDamage(cursor: Cursor): DamageRecord {
  const damage: Mutable<Damage> = {
    id: "",
    place: "damage-log",
    code: "record_unreadable",
    where: "",
    detail: "",
    help: "",
    meterId: null,
    period: null,
    lost: null,
    foundAtMs: 0,
  };
  readMessage(cursor, (tag) => takeField(cursor, tag, damage));
  return { kind: "damage", damage };
}

function takeField(cursor: Cursor, tag: number, damage: Mutable<Damage>): void {
  if (tag === 0x0a) damage.id = readText(cursor);
  // Names outlive versions: what a newer one writes is kept as it is.
  else if (tag === 0x12) damage.place = readText(cursor) as DamagedPlace;
  else if (tag === 0x1a) damage.code = readText(cursor) as DamageCode;
  else if (tag === 0x22) damage.where = readText(cursor);
  else if (tag === 0x2a) damage.detail = readText(cursor);
  else if (tag === 0x32) damage.help = readText(cursor);
  else if (tag === 0x3a) damage.meterId = readText(cursor);
  else if (tag === 0x42) damage.period = readText(cursor);
  else if (tag === 0x48) damage.lost = readWhole(cursor);
  else if (tag === 0x50) damage.foundAtMs = readInstantMs(cursor);
  else skipField(cursor, tag, 10);
}

function orderOf({ id, word }: ReturnType<typeof takeWord>): DamageRecord {
  return { kind: "order", id, order: word };
}

function takeMending(cursor: Cursor): DamageRecord {
  const mending: Mutable<Mending> = { atMs: 0, outcome: "repaired", detail: "", lost: null };
  let id = "";
  readMessage(cursor, (tag) => {
    if (tag === 0x0a) id = readText(cursor);
    else if (tag === 0x10) mending.atMs = readInstantMs(cursor);
    else if (tag === 0x1a) mending.outcome = readText(cursor) as MendingOutcome;
    else if (tag === 0x22) mending.detail = readText(cursor);
    else if (tag === 0x28) mending.lost = readWhole(cursor);
    else skipField(cursor, tag, 5);
  });
  return { kind: "mending", id, mending };
}

function takeWord(cursor: Cursor): { readonly id: string; readonly word: Acknowledgement } {
  const record = { id: "", word: { atMs: 0, by: "", reason: "" } };
  readMessage(cursor, (tag) => {
    if (tag === 0x0a) record.id = readText(cursor);
    else if (tag === 0x10) record.word.atMs = readInstantMs(cursor);
    else if (tag === 0x1a) record.word.by = readText(cursor);
    else if (tag === 0x22) record.word.reason = readText(cursor);
    else skipField(cursor, tag, 4);
  });
  return record;
}
