import { type WireUnit, wireUnitNames } from "@meterbook/core/domain/quantity/amount";
import { plainDecimal, scaledAmount } from "@meterbook/core/domain/quantity/units";
import { kinds, readingQualities } from "@meterbook/core/domain/reading/reading";
import { parseInstantMs } from "@meterbook/core/domain/time/instant";
import type { Fault, RejectionReason } from "@meterbook/core/domain/validation/rejection-reason";
import { MalformedMessage } from "@meterbook/core/records/protobuf-cursor";
import { noRegister, registerName } from "@meterbook/core/records/register-names";
import { z } from "zod";
import { amountFinding } from "../../judge-readings.ts";
import { checkJsonRegisters } from "../protobuf/count-registers.ts";
import type { WireReading, WireReport } from "../protobuf/wire-report.ts";
import { TooManyReadings, unitNames } from "../protobuf/wire-report.ts";
import { type JsonBounds, jsonExcess } from "./json-bounds.ts";

/** The header is strict; each reading is checked by itself, so that a bad one does not refuse the others. */
const header = z.strictObject({
  meterId: z.string().optional(),
  sequence: z.int().min(0).optional(),
  readings: z.array(z.unknown()),
});

/** Fields of a reading that must be there, and those that may. */
const fieldNames: ReadonlySet<string> = new Set(["at", "register", "value", "unit", "kind", "quality", "stepSeconds"]);

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

/**
 * A fault's detail begins with the field: `.value: must not be negative`. It is written by hand, because zod takes five
 * microseconds to say what is wrong with a reading, and a kilobyte may hold five hundred wrong ones.
 */
function readItem(item: unknown): WireReading | Fault {
  if (typeof item !== "object" || item === null || Array.isArray(item)) return malformed("", "is no JSON object");
  const { at, register, value, unit, kind, quality, stepSeconds } = item as Readonly<Record<string, unknown>>;
  if (typeof at !== "string") return noText("at", at);
  if (typeof register !== "string") return noText("register", register);
  // A JSON number arrives here as its literal text (`parseJson`).
  if (typeof value !== "string") return noText("value", value);
  const unitNumber = numberOf(unitNames, unit);
  if (unitNumber < 1) return unit === undefined ? noText("unit", unit) : notOf("unit_unknown", "unit", wireUnitNames);
  const kindNumber = kind === undefined ? 0 : numberOf(kinds, kind);
  if (kindNumber < 0) return notOf("kind_unknown", "kind", kinds);
  const qualityNumber = quality === undefined ? 0 : numberOf(readingQualities, quality);
  if (qualityNumber < 0) return notOf("quality_unknown", "quality", readingQualities);
  if (!isLength(stepSeconds)) return { reason: "step_invalid", detail: ".stepSeconds: must be whole seconds" };
  const names = Object.keys(item);
  const unknown = names.length > 4 ? names.find((name) => !fieldNames.has(name)) : undefined;
  if (unknown !== undefined) return malformed("", `there is no field ${JSON.stringify(unknown.slice(0, nameMax))}`);
  return readFields({ at, register, value, unit: unitNumber, kind: kindNumber, quality: qualityNumber, stepSeconds });
}

function malformed(field: string, text: string): Fault {
  return { reason: "reading_malformed", detail: `${field}: ${text}` };
}

function noText(field: string, value: unknown): Fault {
  if (value === undefined) return malformed(`.${field}`, "is required");
  return malformed(`.${field}`, field === "value" ? "must be a decimal number" : "must be text");
}

function notOf(reason: RejectionReason, field: string, names: readonly string[]): Fault {
  return { reason, detail: `.${field}: is none of ${names.join(", ")}` };
}

function numberOf(names: readonly (string | undefined)[], name: unknown): number {
  return typeof name === "string" ? names.indexOf(name) : -1;
}

function isLength(seconds: unknown): seconds is number | undefined {
  return seconds === undefined || (Number.isSafeInteger(seconds) && (seconds as number) >= 0);
}

interface ReadFields {
  readonly at: string;
  readonly register: string;
  readonly value: string;
  readonly unit: number;
  readonly kind: number;
  readonly quality: number;
  readonly stepSeconds: number | undefined;
}

function readFields({ at, register, value, unit, kind, quality, stepSeconds = 0 }: ReadFields): WireReading | Fault {
  const atMs = parseInstantMs(at);
  if (atMs === undefined) return instantFault(at);
  const amount = scaledAmount(value);
  if (typeof amount === "string") {
    const [reason, field, text] = amountFinding(amount, unitNames[unit] as WireUnit);
    return { reason, detail: `.${field}: ${text}` };
  }
  return {
    at: Math.floor(atMs / 1000),
    register: registerName(register),
    value: amount.digits,
    unit,
    exponent: amount.exponent,
    kind,
    stepSeconds,
    quality,
  };
}

/** A message may repeat a key of the sender, which can be long. */
const issueTextMax = 200;
const nameMax = 40;

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
