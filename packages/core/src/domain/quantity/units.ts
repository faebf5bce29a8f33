import type { WireUnit } from "./amount.ts";
import { wireUnits, withoutZerosAtEnd } from "./amount.ts";

/** An amount as it travels: `digits` x 10^`exponent` in some unit. */
export interface ScaledAmount {
  /** NaN where it was no safe integer. */
  readonly digits: number;
  readonly exponent: number;
}

export type AmountFault =
  | "value_invalid"
  | "value_negative"
  | "value_too_precise"
  | "value_out_of_range"
  | "exponent_invalid";

export const exponentMax = 9;
const powersOfTen = Array.from({ length: 2 * exponentMax + 1 }, (_, power) => 10 ** power);

/**
 * Whole base units of an amount, exactly, or why there are none. Both kinds of reading count from zero upwards, so
 * a negative amount is a fault.
 */
export function baseValue(digits: number, exponent: number, unit: WireUnit): number | AmountFault {
  if (!(exponent >= -exponentMax && exponent <= exponentMax)) return "exponent_invalid";
  if (Number.isNaN(digits)) return "value_out_of_range";
  if (digits < 0) return "value_negative";
  const shift = exponent + wireUnits[unit].zeros;
  const power = powersOfTen[Math.abs(shift)] as number;
  if (shift < 0) return digits % power === 0 ? digits / power : "value_too_precise";
  const value = digits * power;
  return Number.isSafeInteger(value) ? value : "value_out_of_range";
}

/** No amount of a meter needs more characters; what is longer is not looked at. */
export const amountTextMax = 40;
const decimal = /^(-?)(\d{1,40})(?:\.(\d{1,40}))?$/;

const exponential = /^(-?)(\d{1,40})(?:\.(\d{1,40}))?[eE]([+-]?\d{1,3})$/;

/**
 * `1200` of `1.2e3`, digit by digit: a floating-point number would round it, and make 0 of `1e-400`. A text without an
 * exponent, or too long for an amount, stays as it is.
 */
export function plainDecimal(text: string): string {
  const parts = text.length > amountTextMax ? null : exponential.exec(text);
  if (parts === null) return text;
  const [, sign, whole = "", decimals = "", exponent] = parts;
  const point = whole.length + Number(exponent);
  if (Math.abs(point) > amountTextMax) return text;
  const digits = `${"0".repeat(Math.max(0, -point))}${whole}${decimals}`.padEnd(point, "0");
  const at = Math.max(0, point);
  return `${sign}${digits.slice(0, at) || "0"}${at < digits.length ? `.${digits.slice(at)}` : ""}`;
}

/** A plain decimal such as `12345.678`, without an exponent, of at most `amountTextMax` characters. */
export function scaledAmount(text: string): ScaledAmount | AmountFault {
  if (text.length > amountTextMax) return "value_invalid";
  const parts = decimal.exec(text);
  if (parts === null) return "value_invalid";
  const decimals = withoutZerosAtEnd(parts[3] ?? "");
  const digits = Number(`${parts[2]}${decimals}`);
  if (parts[1] === "-" && digits > 0) return "value_negative";
  if (decimals.length > exponentMax) return "value_too_precise";
  return { digits: Number.isSafeInteger(digits) ? digits : Number.NaN, exponent: 0 - decimals.length };
}
