import type { ValuationRules } from "../valuation-rules.ts";
import type { JudgedRow } from "./judged-row.ts";

const electricity = /^(\d+)\.8\.(\d+)$/;

/** The total that a tariff register is a part of; undefined of what is no tariff register. */
export function totalOf(register: string): string | undefined {
  const parts = electricity.exec(register);
  return parts === null || parts[2] === "0" ? undefined : `${parts[1]}.8.0`;
}

/**
 * V21: the tariff registers together counted something else than the total, by more than a step of each. Only where all
 * of them were simply read or derived, from one instant to another: an estimate may be wrong by itself.
 *
 * Answers the totals that differ.
 */
export function tariffsThatDiffer(
  rows: readonly JudgedRow[],
  stepOf: (register: string) => number,
  { registerStep }: ValuationRules,
): readonly JudgedRow[] {
  return rows.filter((total) => {
    const tariffs = rows.filter(({ register, unit }) => totalOf(register) === total.register && unit === total.unit);
    // A register may have several rows of a month: those of one time belong together.
    const parts = tariffs.filter((row) => isOfOneTime(row, total));
    if (parts.length < 2 || parts.length < new Set(tariffs.map(({ register }) => register)).size) return false;
    if (![total, ...parts].every(isRead)) return false;
    const sum = parts.reduce((known, { consumption }) => known + (consumption as number), 0);
    const tolerance = (parts.length + 1) * registerStep * stepOf(total.register);
    return Math.abs(sum - (total.consumption as number)) > tolerance;
  });
}

function isRead({ consumption, quality }: JudgedRow): boolean {
  return consumption !== null && (quality === "actual" || quality === "derived");
}

function isOfOneTime(a: JudgedRow, b: JudgedRow): boolean {
  return a.from === b.from && a.to === b.to;
}
