import { z } from "zod";
import { wireUnitNames } from "../domain/amount.ts";
import { parseInstantMs } from "../domain/instant.ts";
import { kinds, readingQualities } from "../domain/reading.ts";
import type { Fault, RejectionReason } from "../domain/rejection-reason.ts";
import { plainDecimal, scaledAmount } from "../domain/units.ts";
import { checkJsonRegisters } from "./count-registers.ts";
import { type JsonBounds, jsonExcess } from "./json-bounds.ts";
import { amountFinding } from "./judge-readings.ts";
import { MalformedMessage } from "./protobuf-cursor.ts";
import { noRegister, registerName } from "./register-names.ts";
import type { WireReading, WireReport } from "./wire-report.ts";
import { TooManyReadings, unitNames } from "./wire-report.ts";

/** The header is strict; each reading is checked by itself, so that a bad one does not refuse the others. */
const header = z.strictObject({
  meterId: z.string().optional(),
  sequence: z.int().min(0).optional(),
  readings: z.array(z.unknown()),
});

const jsonReading = z.strictObject({
  at: z.string(),
  register: z.string(),
  // A JSON number arrives here as its literal text (`parseJson`).
  value: z.string(),
  unit: z.enum(wireUnitNames),
  kind: z.enum(kinds).default("register"),
  quality: z.enum(readingQualities).default("actual"),
  stepSeconds: z.int().min(0).optional(),
});
type JsonReading = z.infer<typeof jsonReading>;

const reasonOfField: Readonly<Record<string, RejectionReason>> = {
  unit: "unit_unknown",
  kind: "kind_unknown",
  quality: "quality_unknown",
  stepSeconds: "step_invalid",
};

/** A report whose readings may have faults that no protobuf can have; those readings hold nothing of use. */
export interface JsonReport {
  readonly report: WireReport;
  readonly faults: ReadonlyMap<number, Fault>;
}

const utf8 = new TextDecoder("utf-8", { fatal: true });

export interface JsonLimits {
  readonly readingsMax: number;
  readonly registersMax: number;
  /** Above so many faults the message is refused as one. */
  readonly faultsMax: number;
  readonly bounds: JsonBounds;
}

/** A message is nested so deep, or has so many entries, that it is not parsed. */
export class TooComplex extends MalformedMessage {}

/** A message holds more bad readings than are worth looking for. */
export class TooManyFaults extends MalformedMessage {}

/** The JSON form of a report (docs: the MQTT section of the contract). Throws MalformedMessage where it is none. */
export function readJsonReport(bytes: Uint8Array, limits: JsonLimits): JsonReport {
  const { readingsMax, registersMax, faultsMax, bounds } = limits;
  const excess = jsonExcess(bytes, bounds);
  if (excess !== undefined) throw new TooComplex(excess);
  const text = decodeText(bytes);
  const { meterId = "", sequence = 0, readings: items } = headerOf(parseJson(text));
  if (items.length > readingsMax) throw new TooManyReadings(`it holds more than ${readingsMax} readings`);
  checkJsonRegisters(items, registersMax);
  const faults = new Map<number, Fault>();
  const readings = exactItems(text, items).map((item, index) => {
    const read = readItem(item);
    if (!("reason" in read)) return read;
    const fault = { reason: read.reason, detail: `readings[${index}]${read.detail}` };
    faults.set(index, fault);
    if (faults.size > faultsMax) throw new TooManyFaults(`more than ${faultsMax} are refused, now ${fault.detail}`);
    return noReading;
  });
  return { report: { meterId, sequence, readings, profiles: [], count: items.length, bodyStart: 0 }, faults };
}

function headerOf(value: unknown): z.infer<typeof header> {
  const parsed = header.safeParse(value);
  if (!parsed.success) throw new MalformedMessage(issueText(parsed.error));
  return parsed.data;
}

const noReading: WireReading = {
  at: 0,
  register: noRegister,
  value: 0,
  unit: 0,
  exponent: 0,
  kind: 0,
  stepSeconds: 0,
  quality: 0,
};

type Reviver = (key: string, value: unknown, context: { readonly source?: string }) => unknown;

/** Keeps the literal text of each `value`, which a floating-point number would round. */
const keepValueText: Reviver = (key, value, { source }) => {
  if (key !== "value" || typeof value !== "number") return value;
  return source === undefined ? String(value) : plainDecimal(source);
};

/**
 * The readings with each value as text. A second parse where values are numbers, and only once the message is known to
 * be of a sane size, because a reviver costs fifty times what parsing does.
 */
function exactItems(text: string, items: readonly unknown[]): readonly unknown[] {
  const hasNumbers = items.some((item) => typeof (item as { value?: unknown } | null)?.value === "number");
  return hasNumbers ? headerOf(parseJson(text, keepValueText)).readings : items;
}

function decodeText(bytes: Uint8Array): string {
  try {
    return utf8.decode(bytes);
  } catch {
    throw new MalformedMessage("it is not UTF-8");
  }
}

function parseJson(text: string, reviver?: Reviver): unknown {
  try {
    return JSON.parse(text, reviver as (key: string, value: unknown) => unknown);
  } catch {
    // V8's message quotes the text, which is kept anyway.
    throw new MalformedMessage("it is not JSON");
  }
}

/** A fault's detail begins with the field: `.value: must not be negative`. */
function readItem(item: unknown): WireReading | Fault {
  const parsed = jsonReading.safeParse(item);
  if (!parsed.success) {
    const field = String(parsed.error.issues[0]?.path[0] ?? "");
    const reason = reasonOfField[field] ?? "reading_malformed";
    return {
      reason: isAbsent(item, field) ? "reading_malformed" : reason,
      detail: `${field && "."}${issueText(parsed.error)}`,
    };
  }
  return readFields(parsed.data);
}

function isAbsent(item: unknown, field: string): boolean {
  return typeof item === "object" && item !== null && !Object.hasOwn(item, field);
}

function readFields({ at, register, value, unit, kind, quality, stepSeconds }: JsonReading): WireReading | Fault {
  const atMs = parseInstantMs(at);
  if (atMs === undefined) return instantFault(at);
  const amount = scaledAmount(value);
  if (typeof amount === "string") {
    const [reason, field, text] = amountFinding(amount, unit);
    return { reason, detail: `.${field}: ${text}` };
  }
  return {
    at: Math.floor(atMs / 1000),
    register: registerName(register),
    value: amount.digits,
    unit: unitNames.indexOf(unit),
    exponent: amount.exponent,
    kind: kinds.indexOf(kind),
    stepSeconds: stepSeconds ?? 0,
    quality: readingQualities.indexOf(quality),
  };
}

/** A message may repeat a key of the sender, which can be long. */
const issueTextMax = 200;

const localTime = /^\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?$/;

function instantFault(text: string): Fault {
  if (localTime.test(text)) return { reason: "at_without_offset", detail: ".at: needs an offset, such as Z or +02:00" };
  return { reason: "at_invalid", detail: ".at: is not an RFC 3339 instant, or no such day or time exists" };
}

function issueText(error: z.ZodError): string {
  const [issue] = error.issues;
  const path = issue?.path.map((part) => (typeof part === "number" ? `[${part}]` : String(part))).join(".") ?? "";
  return `${path}: ${(issue?.message ?? "is not what it should be").slice(0, issueTextMax)}`;
}
