import { canonicalRegister, registerUnit } from "../domain/reading/identifiers.ts";
import type { BaseUnit, Channel, Kind } from "../domain/reading/reading.ts";
import type { Cursor } from "./protobuf-cursor.ts";
import { latinText, readEnd } from "./protobuf-cursor.ts";

/** A register as a message named it. Remembered, because a fleet names the same few in every message. */
export interface RegisterName {
  /** As sent. */
  readonly text: string;
  /** Undefined where the text is no OBIS code. */
  readonly canonical: string | undefined;
  /** The base unit it must have, where its code says one. */
  readonly unit: BaseUnit | undefined;
  /** Channels of this register that were asked for. */
  readonly channels: Channel[];
}

const textMax = 32;
const namesMax = 1024;
const channelsMax = 32;
/** A slot per hash of the name: what collides takes the slot, so it can't grow. */
const names: (RegisterName | undefined)[] = new Array<RegisterName | undefined>(namesMax).fill(undefined);

export function registerName(text: string): RegisterName {
  const canonical = canonicalRegister(text);
  return { text, canonical, unit: canonical === undefined ? undefined : registerUnit(canonical), channels: [] };
}

export const noRegister = registerName("");

export function readRegister(cursor: Cursor): RegisterName {
  const to = readEnd(cursor);
  const start = cursor.at;
  cursor.at = to;
  if (to - start > textMax) return registerName(latinText(cursor, start, start + textMax));
  let hash = 0;
  for (let at = start; at < to; at += 1) hash = (hash * 31 + (cursor.bytes[at] as number)) & (namesMax - 1);
  const known = names[hash];
  if (known !== undefined && isSame(known.text, cursor.bytes, start, to)) return known;
  const name = registerName(latinText(cursor, start, to));
  names[hash] = name;
  return name;
}

function isSame(text: string, bytes: Uint8Array, from: number, to: number): boolean {
  if (text.length !== to - from) return false;
  for (let at = from; at < to; at += 1) if (text.charCodeAt(at - from) !== bytes[at]) return false;
  return true;
}

/** One object per channel of a name where possible; equal channels may still be different objects. */
export function channelOf(name: RegisterName, kind: Kind, unit: BaseUnit, stepSeconds: number): Channel {
  for (const known of name.channels) {
    if (known.stepSeconds === stepSeconds && known.unit === unit && known.kind === kind) return known;
  }
  const channel: Channel = { register: name.canonical as string, kind, unit, stepSeconds };
  if (name.channels.length < channelsMax) name.channels.push(channel);
  return channel;
}
