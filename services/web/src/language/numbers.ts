import { language } from "./language.ts";

/** What is shown of a base unit: its sign, and how many of it make one. */
const shown: Readonly<Record<string, { sign: { uk: string; en: string }; per: number; decimals: number }>> = {
  Wh: { sign: { uk: "кВт·год", en: "kWh" }, per: 1000, decimals: 3 },
  varh: { sign: { uk: "квар·год", en: "kvarh" }, per: 1000, decimals: 3 },
  L: { sign: { uk: "м³", en: "m³" }, per: 1000, decimals: 3 },
};

const plain = { sign: { uk: "", en: "" }, per: 1, decimals: 0 };
const numbers = new Map<string, Intl.NumberFormat>();

function numberFormat(options: Intl.NumberFormatOptions): Intl.NumberFormat {
  const key = `${language()} ${JSON.stringify(options)}`;
  let format = numbers.get(key);
  if (format === undefined) {
    format = new Intl.NumberFormat(language(), options);
    numbers.set(key, format);
  }
  return format;
}

export function count(value: number): string {
  return numberFormat({ maximumFractionDigits: 0 }).format(value);
}

/** How many in a second: few with a decimal, many without. */
export function rate(value: number): string {
  return numberFormat({ maximumFractionDigits: value < 10 ? 1 : 0 }).format(value);
}

/** A share as a percentage; never 100 % while anything is missing. */
export function percent(share: number): string {
  const cut = share < 1 ? Math.min(Math.floor(share * 1000) / 1000, 0.999) : 1;
  return numberFormat({ style: "percent", maximumFractionDigits: 1 }).format(cut);
}

/** Of a change, which may be more than all. */
export function signlessPercent(share: number): string {
  return numberFormat({ style: "percent", maximumFractionDigits: share < 0.1 ? 1 : 0 }).format(share);
}

export function unitSign(unit: string): string {
  return (shown[unit] ?? plain).sign[language()];
}

/** An amount in base units, exact, in the unit that people use: `244.407`. */
export function amountNumber(value: number | bigint, unit: string): string {
  const { per, decimals } = shown[unit] ?? plain;
  if (typeof value === "bigint") return bigAmount(value, per);
  return numberFormat({ minimumFractionDigits: decimals, maximumFractionDigits: decimals }).format(value / per);
}

/** With its unit: `244.407 kWh`. */
export function amount(value: number | bigint, unit: string): string {
  return `${amountNumber(value, unit)} ${unitSign(unit)}`;
}

/** One that may be below zero, with its unit; what is not known is no zero. */
export function signedAmount(value: number | null, unit: string): string {
  return value === null ? "–" : `${value < 0 ? "−" : ""}${amount(Math.abs(value), unit)}`;
}

/** How much more or less: `+1.200 kWh`. */
export function changeOf(value: number | null, unit: string): string {
  return value !== null && value > 0 ? `+${amount(value, unit)}` : signedAmount(value, unit);
}

/** For axes and tiles, where three decimals are noise. */
export function roughAmount(value: number, unit: string): string {
  const { per } = shown[unit] ?? plain;
  return numberFormat({ maximumSignificantDigits: 4 }).format(value / per);
}

function bigAmount(value: bigint, per: number): string {
  const whole = numberFormat({ maximumFractionDigits: 0 }).format(value / BigInt(per));
  if (per === 1) return whole;
  const mark = numberFormat({ minimumFractionDigits: 1 }).format(0.1).charAt(1);
  return `${whole}${mark}${String(value % BigInt(per)).padStart(3, "0")}`;
}

/** The unit of the power that goes with an amount. */
export function power(watts: number, unit: string): string {
  const sign =
    unit === "varh"
      ? { uk: "квар", en: "kvar" }
      : unit === "L"
        ? { uk: "м³/год", en: "m³/h" }
        : { uk: "кВт", en: "kW" };
  return `${numberFormat({ maximumSignificantDigits: 3 }).format(watts / 1000)} ${sign[language()]}`;
}
