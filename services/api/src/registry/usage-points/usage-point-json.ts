import {
  type Dated,
  type FactName,
  factNames,
  inOrder,
  readingPolicies,
  type UsagePointRecord,
  usagePointStatuses,
} from "@meterbook/core/domain/registry/usage-point";
import { formatInstant } from "@meterbook/core/domain/time/instant";
import { isTimeZone } from "@meterbook/core/domain/time/local-calendar";
import { z } from "zod";
import { fieldErrors } from "../../http/problems/plain-words.ts";
import type { FieldError } from "../../http/problems/problem.ts";
import { recordedInstant, usagePointId } from "../../http/requests/query-schemas.ts";
import { present } from "../meter-record-json.ts";

/** Of one fact, and groups of one value. */
const datedMax = 64;
const groupsMax = 32;
const membersMax = 32;

const name = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/, "1 to 64 letters, digits and . _ -, the first a letter or digit");

/** What may stand as the value of each fact. */
export const factSchemas = {
  zone: z.string().refine((zone) => isTimeZone(zone), { error: "an IANA time zone, such as Europe/Kyiv" }),
  connectionPowerW: z.int().min(1).max(1_000_000_000),
  feeder: name,
  supplier: name,
  groups: z.array(name).max(groupsMax),
  status: z.enum(usagePointStatuses),
  readingPolicy: z.enum(readingPolicies),
  measures: z.union([name, z.literal("")]),
} as const satisfies Record<FactName, z.ZodType>;

const meanings: Readonly<Record<FactName, string>> = {
  zone: "IANA zone. A place does not move: one value, for all time",
  connectionPowerW: "What the connection carries at most, in watts",
  feeder: "The feeder that supplies it",
  supplier: "Who sells the energy",
  groups: "Groups of usage points for analysis",
  status: "`disconnected`: supply is cut, and can come back. `dead`: the place is no more",
  readingPolicy:
    "`remote`: the meter's reports count. `remote-first`: people's readings too, where it is silent. `manual`: people read it",
  measures: "The feeder whose whole supply the meter here counts: its balance is made of it. Empty: none any more",
};

const validFrom = recordedInstant("From when on; since ever where absent", "2026-09-01T00:00:00+03:00");

function dated(fact: FactName) {
  const entry = z.strictObject({ value: factSchemas[fact], validFrom: validFrom.optional() });
  const max = fact === "zone" ? 1 : datedMax;
  return z.array(entry).min(1).max(max).optional().meta({ description: meanings[fact] });
}

/** A usage point as it is sent, when plain values have been made lists (`withLists`). */
export const usagePointWire = z
  .strictObject({
    usagePointId: usagePointId.optional(),
    version: z.int().min(0).optional().meta({ description: "The version that this was made from" }),
    zone: dated("zone"),
    connectionPowerW: dated("connectionPowerW"),
    feeder: dated("feeder"),
    supplier: dated("supplier"),
    groups: dated("groups"),
    status: dated("status"),
    readingPolicy: dated("readingPolicy"),
    measures: dated("measures"),
    meters: z.unknown().optional().meta({ description: "In answers only; ignored" }),
    recordedAt: z.unknown().optional().meta({ description: "In answers only; ignored" }),
    by: z.unknown().optional().meta({ description: "In answers only; ignored" }),
    reason: z.string().max(200).optional().meta({ description: "Why it is changed, for the history" }),
  })
  .meta({ id: "UsagePointRecord" });

/** A fact may be sent as a plain value, as `{ value, validFrom }`, or as a list of these. */
export function withLists(sent: unknown): { readonly lists: unknown; readonly placed: (field: string) => string } {
  if (typeof sent !== "object" || sent === null || Array.isArray(sent))
    return { lists: sent, placed: (field) => field };
  const body = { ...sent } as Record<string, unknown>;
  const prefixes = new Map<string, string>();
  for (const fact of factNames) {
    const value = body[fact];
    if (value === undefined || isDatedList(value)) continue;
    const isDated = typeof value === "object" && value !== null && Object.hasOwn(value, "value");
    body[fact] = isDated ? [value] : [{ value }];
    prefixes.set(isDated ? `${fact}.0` : `${fact}.0.value`, fact);
  }
  const placed = (field: string) => {
    for (const [prefix, fact] of prefixes) {
      if (field === prefix) return fact;
      if (field.startsWith(`${prefix}.`)) return `${fact}${field.slice(prefix.length)}`;
    }
    return field;
  };
  return { lists: body, placed };
}

function isDatedList(value: unknown): boolean {
  return Array.isArray(value) && value.length > 0 && value.every((one) => typeof one === "object" && one !== null);
}

export type SentUsagePoint =
  | { readonly record: UsagePointRecord; readonly version: number | undefined; readonly reason: string }
  | { readonly errors: readonly FieldError[] };

/** @param id that of the address; undefined where the record itself must name it */
export function readUsagePoint(sent: unknown, id: string | undefined): SentUsagePoint {
  const members = Object.keys(Object(sent)).length;
  if (members > membersMax)
    return { errors: [{ field: "record", message: `has ${members} members, and may have ${membersMax}` }] };
  const { lists, placed } = withLists(sent);
  const parsed = usagePointWire.safeParse(lists);
  const named: unknown = Object(sent).usagePointId;
  const errors = parsed.success ? [] : fieldErrors(parsed.error.issues, "record");
  if (named === undefined && id === undefined) errors.push({ field: "usagePointId", message: "is required" });
  if (id !== undefined && typeof named === "string" && named !== id)
    errors.push({ field: "usagePointId", message: `is ${named.slice(0, 64)}, but the address says ${id}` });
  const all = [
    ...errors.map((one) => ({ ...one, field: placed(one.field) })),
    ...(parsed.success ? twice(parsed.data) : []),
  ];
  if (all.length > 0 || !parsed.success) return { errors: all };
  return usagePointOf(parsed.data, id ?? String(named));
}

type Sent = z.output<typeof usagePointWire>;

/** @param sent passed the schema */
export function usagePointOf(sent: Sent, id: string): Extract<SentUsagePoint, { readonly reason: string }> {
  const { version, reason = "" } = sent;
  const facts = factNames.map((fact) => [fact, inOrder(datesOf(sent[fact]))] as const);
  const said = facts.filter(([, values]) => values.length > 0);
  return { record: { usagePointId: id, ...Object.fromEntries(said) }, version, reason };
}

function datesOf(sent: readonly { value: unknown; validFrom?: number | undefined }[] | undefined) {
  return (sent ?? []).map(({ value, validFrom: from = 0 }) => ({ validFrom: from, value }));
}

function twice(sent: Sent): FieldError[] {
  return factNames.flatMap((fact) => {
    const seen = new Set<number>();
    return datesOf(sent[fact]).flatMap(({ validFrom: from }, index) => {
      const isTwice = seen.has(from);
      seen.add(from);
      return isTwice ? [{ field: `${fact}.${index}.validFrom`, message: "two values begin at the same time" }] : [];
    });
  });
}

/** The facts as they are answered: sent back unchanged, they are the same. */
export function factsJson(record: UsagePointRecord) {
  return present(
    Object.fromEntries(factNames.map((fact) => [fact, record[fact]?.map((one) => datedJson<unknown>(one))])),
  );
}

function datedJson<Value>({ validFrom: from, value }: Dated<Value>) {
  return { value, ...(from === 0 ? {} : { validFrom: formatInstant(from) }) };
}
