import type { WireUnit } from "@meterbook/core/domain/quantity/amount";
import { baseAmount, wireUnits } from "@meterbook/core/domain/quantity/amount";
import { canonicalRegister } from "@meterbook/core/domain/reading/identifiers";
import type { z } from "zod";
import type { FieldError } from "../http/problems/problem.ts";

export const registersMax = 64;
export const multipliersMax = 32;
export const earlierMax = 64;
const membersMax = 32;
/** So many entries that are none are told one by one. */
const namelessMax = 4;

type Report = z.core.$RefinementCtx<unknown>;

/**
 * What a record has too much of, or has that no schema sees, one error each. Asked before the schema, which gives an
 * error for each member: for a body of many wrong members the answer would be many times its size.
 */
export function unfitMembers(sent: unknown): FieldError[] {
  if (typeof sent !== "object" || sent === null) return [];
  const { registers, installed, removed, earlier } = sent as Record<string, unknown>;
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
  if (Array.isArray(earlier)) check("earlier", earlier.length, earlierMax, "entries");
  const before = Array.isArray(earlier) ? earlier.slice(0, earlierMax) : [];
  const events = [
    ...Object.entries({ installed, removed }),
    ...before.flatMap((one, index) =>
      (["installed", "removed"] as const).map((end) => [`earlier.${index}.${end}`, Object(one)[end]] as const),
    ),
  ];
  for (const [name, event] of events) {
    check(name, Object.keys(Object(event)).length, membersMax, "members");
    const { values } = Object(event) as { readonly values?: unknown };
    check(`${name}.values`, Object.keys(Object(values)).length, registersMax, "registers");
    // The schema passes over it without a word.
    if (Object.hasOwn(Object(values), "__proto__"))
      found.push({ field: `${name}.values.__proto__`, message: "is not among the registers of the record" });
  }
  return found;
}

/** What one field alone cannot tell. Fields may be wrong here, and then have their own complaint already. */
export function crossCheckMeter(record: unknown, report: Report): void {
  const { registers, installed, removed, earlier } = Object(record) as Partial<
    Record<"registers" | "installed" | "removed" | "earlier", unknown>
  >;
  const known = knownRegisters(registers, report);
  const before: unknown[] = Array.isArray(earlier) ? earlier : [];
  const all = [
    ...before.map((one, index) => ({ path: ["earlier", index] as PropertyKey[], ...endsOf(one) })),
    { path: [] as PropertyKey[], ...endsOf({ installed, removed }) },
  ];
  let free = Number.NEGATIVE_INFINITY;
  for (const [index, one] of all.entries()) {
    for (const end of ["installed", "removed"] as const) checkEvent([...one.path, end], one[end], known, report);
    const [from, to] = [Object(one.installed).at, Object(one.removed).at] as [unknown, unknown];
    if (typeof from === "number" && typeof to === "number" && to <= from)
      complain(report, [...one.path, "removed", "at"], "must be after installed.at");
    if (index > 0 && one.installed === undefined)
      complain(report, [...one.path, "installed"], "is required: the meter was at another place before");
    if (typeof from === "number" && from < free)
      complain(report, [...one.path, "installed", "at"], "is before the meter was removed from the place before");
    if (typeof to === "number") free = to;
  }
}

function endsOf(one: unknown): { readonly installed: unknown; readonly removed: unknown } {
  const { installed, removed } = Object(one) as { installed?: unknown; removed?: unknown };
  return { installed, removed };
}

type KnownRegisters = ReadonlyMap<string, { readonly unit: WireUnit; readonly digits: number | undefined }>;

function knownRegisters(registers: unknown, report: Report): KnownRegisters {
  const known = new Map<string, { unit: WireUnit; digits: number | undefined }>();
  for (const [index, entry] of (Array.isArray(registers) ? registers : []).entries()) {
    const { register: code, unit, digits } = Object(entry) as Partial<Record<"register" | "unit" | "digits", unknown>>;
    checkRegister(index, Object(entry) as Record<string, unknown>, report);
    if (typeof code !== "string") continue;
    if (known.has(code)) complain(report, ["registers", index, "register"], `${code} is there twice`);
    const of = typeof unit === "string" && Object.hasOwn(wireUnits, unit) ? (unit as WireUnit) : undefined;
    if (of !== undefined) known.set(code, { unit: of, digits: typeof digits === "number" ? digits : undefined });
  }
  return known;
}

function checkRegister(
  index: number,
  { unit, digits, modulus, multipliers, displayUnit, annualUse }: Record<string, unknown>,
  report: Report,
): void {
  const path = ["registers", index];
  const of = typeof unit === "string" && Object.hasOwn(wireUnits, unit) ? (unit as WireUnit) : undefined;
  if (modulus !== undefined && digits !== undefined)
    complain(report, [...path, "modulus"], "say either this or digits");
  if (of !== undefined && (typeof annualUse === "string" || typeof annualUse === "number"))
    checkAmount([...path, "annualUse"], annualUse, { unit: of, digits: undefined }, report);
  if (of !== undefined && (typeof modulus === "string" || typeof modulus === "number")) {
    const value = baseAmount(modulus, of);
    if (value === undefined || value === 0) complain(report, [...path, "modulus"], `a plain decimal in ${of} above 0`);
  }
  if (of !== undefined && typeof displayUnit === "string" && Object.hasOwn(wireUnits, displayUnit)) {
    const { base } = wireUnits[displayUnit as WireUnit];
    if (base !== wireUnits[of].base) complain(report, [...path, "displayUnit"], `is no unit of ${wireUnits[of].base}`);
  }
  checkOrder([...path, "multipliers"], Array.isArray(multipliers) ? multipliers : [], report);
}

function checkOrder(path: readonly PropertyKey[], multipliers: readonly unknown[], report: Report): void {
  let before = Number.NEGATIVE_INFINITY;
  for (const [i, one] of multipliers.entries()) {
    const { validFrom } = Object(one) as { validFrom?: unknown };
    if (typeof validFrom !== "number") continue;
    if (validFrom <= before) complain(report, [...path, i, "validFrom"], "must be after the one before");
    before = validFrom;
  }
}

function checkEvent(path: readonly PropertyKey[], event: unknown, known: KnownRegisters, report: Report): void {
  const values: unknown = Object(event).values;
  if (typeof values !== "object" || values === null) return;
  const seen = new Set<string>();
  for (const [code, amount] of Object.entries(values)) {
    const register = canonicalRegister(code) ?? "";
    const of = known.get(register);
    if (seen.has(register)) complain(report, [...path, "values", code], `${register} is there twice`);
    seen.add(register);
    if (of === undefined) complain(report, [...path, "values", code], "is not among the registers of the record");
    else if (typeof amount === "string" || typeof amount === "number")
      checkAmount([...path, "values", code], amount, of, report);
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
