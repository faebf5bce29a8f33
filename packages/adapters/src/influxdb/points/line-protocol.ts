import type { BaseUnit, Channel, ReadingCode } from "@meterbook/core/domain/reading/reading";
import { isReadingCode } from "@meterbook/core/domain/reading/reading";

/**
 * How our points are spelled.
 *
 * A channel is `<register>_<unit>` for a register and `<register>_<unit>_<step>` for an interval: `1.8.0_Wh`,
 * `1.8.0_Wh_900`. Its code in a `reading` point is `<channel>_q` (absent = 0). In `late` and `channel` points the code
 * is in the value's name, `<channel>_q<code>`, and the offset of the frame stands beside it, `<channel>_q<code>_p`.
 */
export function channelName({ register, kind, unit, stepSeconds }: Channel): string {
  return kind === "register" ? `${register}_${unit}` : `${register}_${unit}_${stepSeconds}`;
}

const channelPattern = /^([\s\S]+)_(Wh|varh|L)(?:_(\d{1,7}))?$/;

/** Undefined when it is no channel of ours. */
export function parseChannelName(name: string): Channel | undefined {
  const parts = channelPattern.exec(name);
  if (parts === null) return undefined;
  const [, register, unit, step] = parts as unknown as [string, string, BaseUnit, string | undefined];
  return { register, unit, kind: step === undefined ? "register" : "interval", stepSeconds: Number(step ?? 0) };
}

function codedName(channel: string, code: ReadingCode): string {
  return `${channel}_q${code}`;
}

const codedPattern = /^([\s\S]+)_q(\d{1,16})(_p)?$/;

export interface CodedField {
  readonly channel: string;
  readonly code: ReadingCode;
  readonly isOffset: boolean;
}

export function parseCodedName(field: string): CodedField | undefined {
  const parts = codedPattern.exec(field);
  if (parts === null || !isReadingCode(Number(parts[2]))) return undefined;
  return { channel: parts[1] as string, code: Number(parts[2]), isOffset: parts[3] !== undefined };
}

/**
 * A tag's key or value, or a field's key, in line protocol.
 *
 * @throws where it cannot be written: empty, a line's end, or a backslash (which no escaping brings back unchanged).
 */
export function escapeKey(text: string): string {
  if (text === "" || /[\n\r\\\0]/.test(text)) throw new Error(`cannot be written as a key: ${JSON.stringify(text)}`);
  return text.replace(/[,= ]/g, "\\$&");
}

/** A string field's value, with its quotes. */
export function quoteString(text: string): string {
  return `"${text.replace(/["\\]/g, "\\$&")}"`;
}

/** An InfluxQL identifier, with its quotes. */
export function quoteIdentifier(name: string): string {
  return `"${name.replace(/["\\]/g, "\\$&").replaceAll("\n", "\\n")}"`;
}

/** The tags of a meter's points and the blank after them. */
export function meterTags(slotTag: string, meterId: string): string {
  return `k=${slotTag},m=${escapeKey(meterId)} `;
}

/**
 * One accepted reading with its code in the name, and the offset of its frame. `field` is the channel's name, escaped.
 */
export function codedFields(field: string, code: ReadingCode, value: number, offset: number): string {
  const name = codedName(field, code);
  return `${name}=${value}i,${name}_p=${offset}i`;
}
