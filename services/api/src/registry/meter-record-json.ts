import type { WireUnit } from "@meterbook/core/domain/quantity/amount";
import { baseAmount, wireUnitNames, wireUnits } from "@meterbook/core/domain/quantity/amount";
import { canonicalRegister } from "@meterbook/core/domain/reading/identifiers";
import {
  directions,
  type InstallationEvent,
  type MeterRecord,
  type RegisteredRegister,
} from "@meterbook/core/domain/registry/meter-record";
import { formatInstant } from "@meterbook/core/domain/time/instant";
import { isTimeZone } from "@meterbook/core/domain/time/local-calendar";
import { z } from "zod";
import { meterId, recordedInstant, register, usagePointId } from "../http/requests/query-schemas.ts";
import { crossCheckMeter, earlierMax, multipliersMax, registersMax } from "./meter-record-checks.ts";

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

export const registerSchema = z.strictObject({
  register,
  unit: z
    .enum(wireUnitNames as [WireUnit, ...WireUnit[]])
    .meta({ description: "Of the values below; amounts are kept in Wh, varh or L" }),
  digits: whole(1, 12).optional().meta({ description: "Before the decimal point of the display, in kWh, kvarh or m3" }),
  multiplier: whole(1, 1_000_000).optional().meta({ description: "Primary units per counted unit; 1 where absent" }),
  multipliers: z
    .array(
      z.strictObject({
        validFrom: recordedInstant("From when on", "2026-09-01T00:00:00+03:00"),
        multiplier: whole(1, 1_000_000),
      }),
    )
    .max(multipliersMax)
    .optional()
    .meta({ description: "Multipliers that came after `multiplier`, by time" }),
  modulus: z
    .union([z.string(), z.number()])
    .optional()
    .meta({ description: "Where the counter wraps, in `unit`, if that is no power of ten" }),
  direction: z.enum(directions).optional().meta({ description: "As the customer sees it" }),
  displayUnit: z
    .enum(wireUnitNames as [WireUnit, ...WireUnit[]])
    .optional()
    .meta({ description: "The unit in which people read it, so that of an exchange's values; `unit` where absent" }),
  annualUse: z
    .union([z.string(), z.number()])
    .optional()
    .meta({ description: "What is expected of a year, in `unit`, where nothing better is known" }),
});

/** Begins so that no spreadsheet takes it for a formula. */
const serialPattern = /^[\p{L}\p{N}](?:\P{C}{0,62}[^\p{C}\p{Z}])?$/u;

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
    serialNumber: z
      .string()
      .regex(serialPattern, "1 to 64 signs, the first a letter or a digit, the last no space")
      .optional()
      .meta({ description: "What the maker has written on it; `GET /v1/search` finds the meter by it" }),
    installed: eventSchema.optional(),
    removed: eventSchema.optional(),
    earlier: z
      .array(
        z.strictObject({ usagePointId, installed: eventSchema.optional(), removed: eventSchema }).meta({
          description: "An installation that has ended",
        }),
      )
      .max(earlierMax)
      .optional()
      .meta({ description: "Where the meter was before, by time. Absent: what was known of that stays" }),
    version: z.unknown().optional().meta({ description: "In answers only; ignored" }),
    registered: z.unknown().optional().meta({ description: "In answers only. An import refuses a line with `false`" }),
    reported: z.unknown().optional().meta({ description: "In answers only; ignored" }),
    lastReadingAt: z.unknown().optional().meta({ description: "In answers only; ignored" }),
    channels: z.unknown().optional().meta({ description: "In answers only; ignored" }),
    warnings: z.unknown().optional().meta({ description: "In answers only; ignored" }),
  })
  // Also when a field is wrong by itself: whoever sends a record wants to hear of everything at once.
  .superRefine(crossCheckMeter, { when: () => true })
  .meta({ id: "MeterRecord" });

export type WireMeterRecord = z.output<typeof meterRecordSchema>;

/** @param wire passed the schema */
export function meterRecord(wire: WireMeterRecord, id: string): MeterRecord {
  const { usagePointId: point = id, zone, stepSeconds, connectionPowerW, installed, removed, earlier } = wire;
  const { serialNumber } = wire;
  const units = new Map(wire.registers.map((entry) => [entry.register, entry.unit]));
  const before = earlier?.map((one) => ({
    usagePointId: one.usagePointId,
    ...present({ installed: baseEvent(one.installed, units), removed: baseEvent(one.removed, units) }),
  }));
  return {
    meterId: id,
    usagePointId: point,
    registers: wire.registers.map(baseRegister),
    ...present({
      zone,
      stepSeconds,
      connectionPowerW,
      serialNumber,
      installed: baseEvent(installed, units),
      removed: baseEvent(removed, units),
      earlier: before,
    }),
  };
}

/** @param wire passed the schema */
export function baseRegister(wire: WireMeterRecord["registers"][number]): RegisteredRegister {
  const {
    register: code,
    unit,
    digits,
    multiplier,
    multipliers,
    modulus,
    direction,
    displayUnit = unit,
    annualUse,
  } = wire;
  const { base } = wireUnits[unit];
  return {
    register: code,
    unit: base,
    ...present({
      digits,
      multiplier,
      modulus: modulus === undefined ? undefined : baseAmount(modulus, unit),
      direction,
      multipliers: multipliers?.length === 0 ? undefined : multipliers,
      displayUnit: displayUnit === base ? undefined : displayUnit,
      annualUse: annualUse === undefined ? undefined : baseAmount(annualUse, unit),
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
  const { meterId: id, usagePointId: point, zone, registers, stepSeconds, connectionPowerW, earlier } = record;
  const ends = ({ installed, removed }: Pick<MeterRecord, "installed" | "removed">) =>
    present({ installed: eventJson(installed), removed: eventJson(removed) });
  return {
    meterId: id,
    usagePointId: point,
    ...present({ zone }),
    registers: registers.map(registerJson),
    ...present({ stepSeconds, connectionPowerW, serialNumber: record.serialNumber }),
    ...ends(record),
    ...present({ earlier: earlier?.map((one) => ({ usagePointId: one.usagePointId, ...ends(one) })) }),
  };
}

function registerJson({ multipliers, ...entry }: RegisteredRegister) {
  const dated = multipliers?.map(({ validFrom, multiplier }) => ({ validFrom: formatInstant(validFrom), multiplier }));
  return { ...entry, ...present({ multipliers: dated }) };
}

export function eventJson(
  event: InstallationEvent | undefined,
): { at: string; values: Record<string, number> } | undefined {
  return event === undefined ? undefined : { at: formatInstant(event.at), values: { ...event.values } };
}

type Present<Fields> = { [Name in keyof Fields]?: Exclude<Fields[Name], undefined> };

/** Without the members that are undefined. */
export function present<Fields extends Record<string, unknown>>(fields: Fields): Present<Fields> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as Present<Fields>;
}
