import { canonicalRegister, idPattern } from "@meterbook/core/domain/reading/identifiers";
import { parsePeriod } from "@meterbook/core/domain/snapshot/snapshot";
import { parseInstantMs } from "@meterbook/core/domain/time/instant";
import { z } from "zod";

/** The pieces from which parameters are put together: they validate, convert and document. */

/** A text that `read` understands; what it does not is refused with `rule`. */
export function readAs<Value>(read: (text: string) => Value | undefined, rule: string, meta: Record<string, unknown>) {
  return z
    .string()
    .meta(meta)
    .transform((text, context): Value => {
      const value = read(text);
      if (value !== undefined) return value;
      context.issues.push({ code: "custom", message: rule, input: text });
      return z.NEVER;
    });
}

export function wholeNumber(min: number, max: number, meta: Record<string, unknown>) {
  const read = (text: string) => {
    const value = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
    return value >= min && value <= max ? value : undefined;
  };
  return readAs(read, `a whole number from ${min} to ${max}`, { type: "integer", minimum: min, maximum: max, ...meta });
}

/** A switch. */
export function flag(description: string) {
  const read = (text: string) => (text === "true" ? true : text === "false" ? false : undefined);
  return readAs(read, "true or false", { type: "boolean", description });
}

export const idRule = "1 to 64 letters, digits and . _ -, the first a letter or digit";

export const meterId = z
  .string()
  .regex(idPattern, idRule)
  .meta({ description: "Meter id", examples: ["m-1"] });
export const usagePointId = z
  .string()
  .regex(idPattern, idRule)
  .meta({ description: "Place of supply", examples: ["up-1"] });

/** `YYYY-MM` as a period number. */
export const period = readAs(parsePeriod, "a period is YYYY-MM, 2001-01 to 2099-12", {
  description: "Month in the usage point's zone, `YYYY-MM`",
  pattern: "^20(0[1-9]|[1-9]\\d)-(0[1-9]|1[0-2])$",
  examples: ["2026-10"],
});

const instantRule = "an RFC 3339 instant with an offset, such as 2026-10-31T22:00:00Z";

export function readInstant(text: string): number | undefined {
  const ms = parseInstantMs(text);
  return ms === undefined ? undefined : Math.ceil(ms / 1000);
}

/**
 * RFC 3339 with an offset as whole seconds UTC, rounded up: `from <= at < to` stays right for whole-second readings.
 */
export function instant(description: string, example: string) {
  return readAs(readInstant, `${instantRule} (write + as %2B)`, {
    description,
    format: "date-time",
    examples: [example],
  });
}

const [recordedFrom, recordedTo] = [0, Date.UTC(2100, 0, 1) / 1000];

/** The same in a record, which holds the years 1970 to 2099. */
export function recordedInstant(description: string, example: string) {
  const read = (text: string) => {
    const at = readInstant(text);
    return at !== undefined && at >= recordedFrom && at < recordedTo ? at : undefined;
  };
  return readAs(read, `${instantRule}, of the years 1970 to 2099`, {
    description: `${description}; 1970 to 2099`,
    format: "date-time",
    examples: [example],
  });
}

export const register = readAs(canonicalRegister, "an OBIS code, C.D.E or A-B:C.D.E", {
  description: "OBIS code, `C.D.E` for electricity or `A-B:C.D.E`",
  examples: ["1.8.0"],
});

export const limit = wholeNumber(1, 1000, {
  description: "Entries of a page, 100 where absent. A stream gives everything where it is absent.",
}).optional();

export function emptyAsAbsent(text: string): string | undefined {
  return text === "" ? undefined : text;
}

export const cursor = z
  .string()
  // No example: the page for trying calls out would send it.
  .meta({ description: "`nextCursor` of the page before; empty counts as absent" })
  .transform(emptyAsAbsent)
  .optional();

export const limitDefault = 100;
