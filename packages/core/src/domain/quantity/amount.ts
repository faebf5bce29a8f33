import type { BaseUnit } from "../reading/reading.ts";

/** The units of the wire: the base unit of each and how many zeros lie between them. */
export const wireUnits = {
  Wh: { base: "Wh", zeros: 0 },
  kWh: { base: "Wh", zeros: 3 },
  MWh: { base: "Wh", zeros: 6 },
  varh: { base: "varh", zeros: 0 },
  kvarh: { base: "varh", zeros: 3 },
  L: { base: "L", zeros: 0 },
  m3: { base: "L", zeros: 3 },
} as const satisfies Record<string, { base: BaseUnit; zeros: number }>;

export type WireUnit = keyof typeof wireUnits;
export const wireUnitNames = Object.keys(wireUnits) as WireUnit[];

const decimal = /^(\d{1,16})(?:\.(\d{1,12}))?$/;

/**
 * A decimal string or a JSON number in a wire unit as whole base units, exactly; undefined when it is not a plain
 * non-negative decimal, has more decimals than the base unit holds, or leaves the safe integers.
 */
export function baseAmount(amount: string | number, unit: WireUnit): number | undefined {
  const parts = decimal.exec(String(amount));
  if (parts === null) return undefined;
  const { zeros } = wireUnits[unit];
  const decimals = withoutZerosAtEnd(parts[2] ?? "");
  if (decimals.length > zeros) return undefined;
  const value = Number(`${parts[1]}${decimals.padEnd(zeros, "0")}`);
  return Number.isSafeInteger(value) ? value : undefined;
}

/**
 * An amount that was computed, or null where it has left the safe integers. Sums and products of amounts never come
 * back from there: a double that is rounded beyond 2^53 stays beyond it, so that looking at the end is enough.
 */
export function checkedAmount(computed: number): number | null {
  return Number.isSafeInteger(computed) && computed >= 0 ? computed : null;
}

/** `250` of `25000`. A regular expression for this looks at each run of zeros again from each of its zeros. */
export function withoutZerosAtEnd(digits: string): string {
  let end = digits.length;
  while (end > 0 && digits.charCodeAt(end - 1) === 48) end -= 1;
  return digits.slice(0, end);
}
