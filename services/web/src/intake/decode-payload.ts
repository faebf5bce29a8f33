/** A refused message as a person can read it: JSON in lines, protobuf by the field names of `meter_report.proto`. */
export function decodePayload(bytes: Uint8Array, text: string | null): string | undefined {
  if (bytes.length === 0) return undefined;
  if (text !== null && isReadable(text)) return prettyJson(text) ?? text;
  const fields = decodeMessage(bytes, "MeterReport", 0);
  return fields?.join("\n");
}

function isReadable(text: string): boolean {
  return [...text.slice(0, 2000)].every((letter) => letter >= " " || "\n\r\t".includes(letter));
}

function prettyJson(text: string): string | undefined {
  try {
    return JSON.stringify(JSON.parse(text), undefined, 2);
  } catch {
    return undefined;
  }
}

type Kind = "uint" | "sint" | "text" | "sints" | MessageName;
type MessageName = "MeterReport" | "Reading" | "Profile" | "QualityRun";

const messages: Readonly<Record<MessageName, readonly (readonly [name: string, kind: Kind])[]>> = {
  MeterReport: [
    ["meter_id", "text"],
    ["sequence", "uint"],
    ["readings", "Reading"],
    ["profiles", "Profile"],
  ],
  Reading: [
    ["at", "uint"],
    ["register", "text"],
    ["value", "sint"],
    ["unit", "uint"],
    ["exponent", "sint"],
    ["kind", "uint"],
    ["step_seconds", "uint"],
    ["quality", "uint"],
  ],
  Profile: [
    ["register", "text"],
    ["unit", "uint"],
    ["exponent", "sint"],
    ["kind", "uint"],
    ["start", "uint"],
    ["step_seconds", "uint"],
    ["base", "sint"],
    ["deltas", "sints"],
    ["quality", "uint"],
    ["exceptions", "QualityRun"],
  ],
  QualityRun: [
    ["first", "uint"],
    ["count", "uint"],
    ["quality", "uint"],
  ],
};

/** A line for each field; undefined where the bytes are no such message. */
function decodeMessage(bytes: Uint8Array, name: MessageName, depth: number): string[] | undefined {
  const lines: string[] = [];
  const indent = "  ".repeat(depth);
  const cursor = { at: 0 };
  while (cursor.at < bytes.length) {
    const key = varint(bytes, cursor);
    if (key === undefined) return undefined;
    const [field, wire] = [Number(key >> 3n), Number(key & 7n)];
    const [label, kind] = messages[name][field - 1] ?? [`field ${field}`, "uint"];
    const value = wire === 0 ? varint(bytes, cursor) : wire === 2 ? slice(bytes, cursor) : undefined;
    if (value === undefined) return undefined;
    if (typeof value === "bigint") lines.push(`${indent}${label}: ${numberText(value, label, kind)}`);
    else lines.push(...decodePart(value, { label, kind, indent, depth }));
  }
  return lines;
}

interface Part {
  readonly label: string;
  readonly kind: Kind;
  readonly indent: string;
  readonly depth: number;
}

function decodePart(bytes: Uint8Array, { label, kind, indent, depth }: Part): string[] {
  if (kind === "text") return [`${indent}${label}: ${JSON.stringify(new TextDecoder().decode(bytes))}`];
  if (kind === "sints") return [`${indent}${label}: ${packed(bytes)}`];
  const inner = kind === "uint" || kind === "sint" ? undefined : decodeMessage(bytes, kind, depth + 1);
  return inner === undefined ? [`${indent}${label}: ${hex(bytes)}`] : [`${indent}${label}`, ...inner];
}

function packed(bytes: Uint8Array): string {
  const values: string[] = [];
  const cursor = { at: 0 };
  while (cursor.at < bytes.length) {
    const value = varint(bytes, cursor);
    if (value === undefined) return `${values.join(" ")} …`;
    values.push(String(unzigzag(value)));
  }
  return values.join(" ");
}

/** Instants are told apart by their names: seconds since 1970. */
function numberText(value: bigint, label: string, kind: Kind): string {
  if (kind === "sint") return String(unzigzag(value));
  if (label !== "at" && label !== "start") return String(value);
  return value < 4_102_444_800n ? `${value} (${new Date(Number(value) * 1000).toISOString()})` : String(value);
}

function unzigzag(value: bigint): bigint {
  return (value >> 1n) ^ -(value & 1n);
}

function varint(bytes: Uint8Array, cursor: { at: number }): bigint | undefined {
  let value = 0n;
  for (let shift = 0n; shift < 70n; shift += 7n) {
    const byte = bytes[cursor.at];
    if (byte === undefined) return undefined;
    cursor.at += 1;
    value |= BigInt(byte & 127) << shift;
    if (byte < 128) return value;
  }
  return undefined;
}

function slice(bytes: Uint8Array, cursor: { at: number }): Uint8Array | undefined {
  const size = varint(bytes, cursor);
  if (size === undefined || size > BigInt(bytes.length - cursor.at)) return undefined;
  cursor.at += Number(size);
  return bytes.subarray(cursor.at - Number(size), cursor.at);
}

const perLine = 16;
const dumpBytesMax = 8192;

/** Place, bytes and letters, as tools show them. */
export function hexDump(bytes: Uint8Array): string {
  const lines: string[] = [];
  for (let at = 0; at < Math.min(bytes.length, dumpBytesMax); at += perLine) {
    const part = bytes.subarray(at, at + perLine);
    const letters = [...part].map((byte) => (byte >= 32 && byte < 127 ? String.fromCharCode(byte) : ".")).join("");
    lines.push(`${at.toString(16).padStart(6, "0")}  ${hex(part).padEnd(perLine * 3 - 1)}  ${letters}`);
  }
  if (bytes.length > dumpBytesMax) lines.push("…");
  return lines.join("\n");
}

export function hex(bytes: Uint8Array): string {
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join(" ");
}
