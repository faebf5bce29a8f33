import type { WireUnit } from "@meterbook/core/domain/quantity/amount";
import { baseAmount, wireUnitNames, wireUnits } from "@meterbook/core/domain/quantity/amount";
import { canonicalRegister } from "@meterbook/core/domain/reading/identifiers";
import type { InstallationEvent, MeterRecord } from "@meterbook/core/domain/registry/meter-record";
import { formatInstant } from "@meterbook/core/domain/time/instant";
import { isTimeZone } from "@meterbook/core/domain/time/local-calendar";
import { z } from "zod";
import type { FieldError } from "../http/problems/problem.ts";
import { meterId, recordedInstant, register, usagePointId } from "../http/requests/query-schemas.ts";

export const registersMax = 64;
const membersMax = 32;
/** So many entries that are none are told one by one. */
const namelessMax = 4;

/** Not `z.int()`: where that fails, zod skips the checks across fields, and they should be heard too. */
function whole(min: number, max: number) {
  const fits = (value: number) => Number.isInteger(value) && value >= min && value <= max;
  const meta = { type: "integer", minimum: min, maximum: max };
  const rule = `a whole number from ${min} to ${max}`;
  return z
    .number({ error: ({ input }) => (input === undefined ? undefined : rule) })
    .refine(fits, { error: rule })
    .meta(meta);
}

const registerSchema = z.strictObject({
  register,
  unit: z
    .enum(wireUnitNames as [WireUnit, ...WireUnit[]])
    .meta({ description: "Of the values below; amounts are kept in Wh, varh or L" }),
  digits: whole(1, 12).optional().meta({ description: "Before the decimal point of the display, in kWh, kvarh or m3" }),
  multiplier: whole(1, 1_000_000).optional().meta({ description: "Primary units per counted unit; 1 where absent" }),
});

type Report = z.core.$RefinementCtx<unknown>;

const eventSchema = z.strictObject({
  at: recordedInstant("When", "2026-01-15T10:00:00+02:00"),
  values: z
    .record(z.string(), z.union([z.string(), z.number()]))
    .meta({ description: "Register to its value, in that register's unit" }),
});

/** A meter as it is sent (contract, section 3): a whole record, which replaces the one before. */
export const meterRecordSchema = z
  .strictObject({
    meterId: meterId.optional(),
    usagePointId: usagePointId.optional().meta({ description: "The meter id where absent" }),
    zone: z
      .string()
      .refine((zone) => isTimeZone(zone), { error: "an IANA time zone, such as Europe/Kyiv" })
      .optional()
      .meta({ description: "IANA zone of the usage point", examples: ["Europe/Kyiv"] }),
    registers: z.array(registerSchema).max(registersMax).default([]),
    stepSeconds: whole(60, 86_400)
      .refine((step) => 86_400 % step === 0, { error: "a day must be a whole number of steps" })
      .optional()
      .meta({ description: "Expected spacing of the load profile" }),
    connectionPowerW: whole(1, 1_000_000_000).optional(),
    installed: eventSchema.optional(),
    removed: eventSchema.optional(),
    registered: z.unknown().optional().meta({ description: "In answers only; ignored" }),
    channels: z.unknown().optional().meta({ description: "In answers only; ignored" }),
  })
  // Also when a field is wrong by itself: whoever sends a record wants to hear of everything at once.
  .superRefine(crossCheck, { when: () => true })
  .meta({ id: "MeterRecord" });

/**
 * What a record has too much of, or has that no schema sees, one error each. Asked before the schema, which gives an
 * error for each member: for a body of many wrong members the answer would be many times its size.
 */
export function unfitMembers(sent: unknown): FieldError[] {
  if (typeof sent !== "object" || sent === null) return [];
  const { registers, installed, removed } = sent as Record<string, unknown>;
  const found: FieldError[] = [];
  const check = (field: string, count: number, max: number, what: string) => {
    if (count > max) found.push({ field, message: `has ${count} ${what}, and may have ${max}` });
  };
  check("record", Object.keys(sent).length, membersMax, "members");
  if (Array.isArray(registers)) {
    check("registers", registers.length, registersMax, "entries");
    const widest = Math.max(0, ...registers.slice(0, registersMax).map((entry) => Object.keys(Object(entry)).length));
    check("registers", widest, membersMax, "members in one entry");
    const nameless = registers.filter((entry) => typeof Object(entry).register !== "string").length;
    check("registers", nameless, namelessMax, "entries without a register");
  }
  for (const [name, event] of Object.entries({ installed, removed })) {
    check(name, Object.keys(Object(event)).length, membersMax, "members");
    const { values } = Object(event) as { readonly values?: unknown };
    check(`${name}.values`, Object.keys(Object(values)).length, registersMax, "registers");
    // The schema passes over it without a word.
    if (Object.hasOwn(Object(values), "__proto__"))
      found.push({ field: `${name}.values.__proto__`, message: "is not among the registers of the record" });
  }
  return found;
}

export type WireMeterRecord = z.output<typeof meterRecordSchema>;

/** What one field alone cannot tell. Fields may be wrong here, and then have their own complaint already. */
function crossCheck(record: unknown, report: Report): void {
  const { registers, installed, removed } = Object(record) as Partial<
    Record<"registers" | "installed" | "removed", unknown>
  >;
  const known = knownRegisters(registers, report);
  for (const [name, event] of Object.entries({ installed, removed })) checkEvent(name, event, known, report);
  const [from, to] = [Object(installed).at, Object(removed).at] as [unknown, unknown];
  if (typeof from === "number" && typeof to === "number" && to <= from)
    complain(report, ["removed", "at"], "must be after installed.at");
}

type KnownRegisters = ReadonlyMap<string, { readonly unit: WireUnit; readonly digits: number | undefined }>;

function knownRegisters(registers: unknown, report: Report): KnownRegisters {
  const known = new Map<string, { unit: WireUnit; digits: number | undefined }>();
  for (const [index, entry] of (Array.isArray(registers) ? registers : []).entries()) {
    const { register: code, unit, digits } = Object(entry) as Partial<Record<"register" | "unit" | "digits", unknown>>;
    if (typeof code !== "string") continue;
    if (known.has(code)) complain(report, ["registers", index, "register"], `${code} is there twice`);
    const of = typeof unit === "string" && Object.hasOwn(wireUnits, unit) ? (unit as WireUnit) : undefined;
    if (of !== undefined) known.set(code, { unit: of, digits: typeof digits === "number" ? digits : undefined });
  }
  return known;
}

function checkEvent(name: string, event: unknown, known: KnownRegisters, report: Report): void {
  const values: unknown = Object(event).values;
  if (typeof values !== "object" || values === null) return;
  const seen = new Set<string>();
  for (const [code, amount] of Object.entries(values)) {
    const register = canonicalRegister(code) ?? "";
    const of = known.get(register);
    if (seen.has(register)) complain(report, [name, "values", code], `${register} is there twice`);
    seen.add(register);
    if (of === undefined) complain(report, [name, "values", code], "is not among the registers of the record");
    else if (typeof amount === "string" || typeof amount === "number")
      checkAmount([name, "values", code], amount, of, report);
  }
}

function checkAmount(
  path: readonly PropertyKey[],
  amount: string | number,
  { unit, digits }: { unit: WireUnit; digits: number | undefined },
  report: Report,
): void {
  const value = baseAmount(amount, unit);
  const { base, zeros } = wireUnits[unit];
  if (value === undefined)
    complain(report, path, `a plain decimal in ${unit}, 0 or more, with at most ${zeros} decimals (whole ${base})`);
  else if (digits !== undefined && value >= 10 ** (digits + 3))
    complain(report, path, `does not fit a display of ${digits} digits`);
}

function complain(report: Report, path: readonly PropertyKey[], message: string): void {
  report.issues.push({ code: "custom", message, path: [...path], input: undefined });
}

/** @param wire passed the schema */
export function meterRecord(wire: WireMeterRecord, id: string): MeterRecord {
  const { usagePointId: point = id, zone, stepSeconds, connectionPowerW, installed, removed } = wire;
  const units = new Map(wire.registers.map((entry) => [entry.register, entry.unit]));
  return {
    meterId: id,
    usagePointId: point,
    registers: wire.registers.map(({ register: code, unit, digits, multiplier }) => ({
      register: code,
      unit: wireUnits[unit].base,
      ...present({ digits, multiplier }),
    })),
    ...present({
      zone,
      stepSeconds,
      connectionPowerW,
      installed: baseEvent(installed, units),
      removed: baseEvent(removed, units),
    }),
  };
}

function baseEvent(
  event: WireMeterRecord["installed"],
  units: ReadonlyMap<string, WireUnit>,
): InstallationEvent | undefined {
  if (event === undefined) return undefined;
  const values = Object.entries(event.values).map(([code, amount]) => {
    const name = canonicalRegister(code) ?? code;
    return [name, baseAmount(amount, units.get(name) ?? "Wh") ?? 0] as const;
  });
  return { at: event.at, values: Object.fromEntries(values) };
}

/** A record as it is answered: sent back unchanged, it is the same record. */
export function meterRecordJson(record: MeterRecord) {
  const {
    meterId: id,
    usagePointId: point,
    zone,
    registers,
    stepSeconds,
    connectionPowerW,
    installed,
    removed,
  } = record;
  const more = { stepSeconds, connectionPowerW, installed: eventJson(installed), removed: eventJson(removed) };
  return {
    meterId: id,
    usagePointId: point,
    ...present({ zone }),
    registers: registers.map((entry) => ({ ...entry })),
    ...present(more),
  };
}

function eventJson(event: InstallationEvent | undefined): { at: string; values: Record<string, number> } | undefined {
  return event === undefined ? undefined : { at: formatInstant(event.at), values: { ...event.values } };
}

type Present<Fields> = { [Name in keyof Fields]?: Exclude<Fields[Name], undefined> };

/** Without the members that are undefined. */
function present<Fields extends Record<string, unknown>>(fields: Fields): Present<Fields> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as Present<Fields>;
}
