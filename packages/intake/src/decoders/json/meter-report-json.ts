import { type WireUnit, wireUnitNames } from "@meterbook/core/domain/quantity/amount";
import { plainDecimal, scaledAmount } from "@meterbook/core/domain/quantity/units";
import { kinds, marksOf, meterFlags, readingQualities, revisionMax } from "@meterbook/core/domain/reading/reading";
import { parseInstantMs } from "@meterbook/core/domain/time/instant";
import type { Fault, RejectionReason } from "@meterbook/core/domain/validation/rejection-reason";
import { MalformedMessage } from "@meterbook/core/records/protobuf-cursor";
import { noRegister, registerName } from "@meterbook/core/records/register-names";
import { z } from "zod";
import { checkJsonRegisters } from "../../count-registers.ts";
import { amountFinding } from "../../judge-readings.ts";
import type { Decoded, WireReading } from "../../wire-report.ts";
import { emptyReport, TooManyReadings, unitNames } from "../../wire-report.ts";
import { countJsonEntries, type JsonBounds } from "./json-bounds.ts";
import { repeatedMember } from "./repeated-member.ts";

/** The header is strict; each reading is checked by itself, so that a bad one does not refuse the others. */
const header = z.strictObject({
  meterId: z.string().optional(),
  // Judged alone (`sequenceOf`): a number that is no sequence costs no reading.
  sequence: z.unknown().optional(),
  sentAt: z.string().optional(),
  flags: z.array(z.enum(meterFlags)).max(meterFlags.length).optional(),
  readings: z.array(z.unknown()),
});

/** Fields of a reading that must be there, and those that may. */
const fieldNames: ReadonlySet<string> = new Set([
  "at",
  "register",
  "value",
  "unit",
  "kind",
  "quality",
  "stepSeconds",
  "revision",
]);

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
export function readJsonReport(bytes: Uint8Array, limits: JsonLimits): Decoded {
  const { readingsMax, registersMax, faultsMax, bounds } = limits;
  const entries = countJsonEntries(bytes, bounds);
  if (typeof entries === "string") throw new TooComplex(entries);
  const text = decodeText(bytes);
  const value = parseJson(text);
  const { meterId = "", sequence, sentAt, flags = [], readings: items } = headerOf(value);
  if (items.length > readingsMax) throw new TooManyReadings(`it holds more than ${readingsMax} readings`);
  checkJsonRegisters(items, registersMax);
  const twice = repeatedMember(text, value, entries);
  if (twice !== undefined) throw new MalformedMessage(`${JSON.stringify(twice.slice(0, nameMax))} is there twice`);
  const faults = new Map<number, Fault>();
  const readings = exactItems(text, items).map((item, index) => {
    const read = readItem(item);
    if (!("reason" in read)) return read;
    const fault = { reason: read.reason, detail: `readings[${index}]${read.detail}` };
    faults.set(index, fault);
    if (faults.size > faultsMax) throw new TooManyFaults(`more than ${faultsMax} are refused, now ${fault.detail}`);
    return noReading;
  });
  const said = { meterId, sequence: sequenceOf(sequence), sentAt: sentAtOf(sentAt), marks: marksOf(flags) };
  return { report: { ...emptyReport(), ...said, readings, count: items.length }, faults };
}

/** 0, not numbered, for what is no whole number from 0 to 2^53 - 1. */
function sequenceOf(sequence: unknown): number {
  return typeof sequence === "number" && Number.isSafeInteger(sequence) && sequence > 0 ? sequence : 0;
}

function sentAtOf(text: string | undefined): number {
  if (text === undefined) return 0;
  const sentAtMs = parseInstantMs(text);
  if (sentAtMs === undefined) throw new MalformedMessage("sentAt: is not an RFC 3339 instant with an offset");
  // 0 would say that the meter did not say.
  return Math.max(1, Math.floor(sentAtMs / 1000));
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
  revision: 0,
  marks: 0,
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
  const { at, register, value, unit, kind, quality, stepSeconds, revision } = item as Readonly<Record<string, unknown>>;
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
  if (!isRevision(revision)) {
    return { reason: "revision_invalid", detail: `.revision: must be a whole number from 0 to ${revisionMax}` };
  }
  const names = Object.keys(item);
  const unknown = names.length > 4 ? names.find((name) => !fieldNames.has(name)) : undefined;
  if (unknown !== undefined) return malformed("", `there is no field ${JSON.stringify(unknown.slice(0, nameMax))}`);
  const numbers = { unit: unitNumber, kind: kindNumber, quality: qualityNumber, stepSeconds, revision };
  return readFields({ at, register, value, ...numbers });
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

function isRevision(revision: unknown): revision is number | undefined {
  return revision === undefined || (isLength(revision) && (revision as number) <= revisionMax);
}

interface ReadFields {
  readonly at: string;
  readonly register: string;
  readonly value: string;
  readonly unit: number;
  readonly kind: number;
  readonly quality: number;
  readonly stepSeconds: number | undefined;
  readonly revision: number | undefined;
}

function readFields(fields: ReadFields): WireReading | Fault {
  const { at, register, value, unit, kind, quality, stepSeconds = 0, revision = 0 } = fields;
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
    revision,
    marks: 0,
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

/** In our words, not in those of the library. */
function issueText(error: z.ZodError): string {
  const [issue] = error.issues;
  const path = issue?.path.map((part) => (typeof part === "number" ? `[${part}]` : String(part))).join("") ?? "";
  return `${path === "" ? "" : `${path}: `}${issueWords(issue).slice(0, issueTextMax)}`;
}

function issueWords(issue: z.core.$ZodIssue | undefined): string {
  switch (issue?.code) {
    case "invalid_type":
      return `must be ${typeWords[issue.expected] ?? issue.expected}`;
    case "invalid_value":
      return `is none of ${issue.values.join(", ")}`;
    case "too_big":
      return `has more than ${issue.maximum} entries`;
    case "unrecognized_keys":
      return `there is no field ${JSON.stringify(issue.keys[0])}`;
    default:
      return issue?.message ?? "is not what it should be";
  }
}

const typeWords: Readonly<Record<string, string>> = { array: "a list", object: "an object", string: "text" };
