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
    const parts = rows.filter(({ register, unit }) => totalOf(register) === total.register && unit === total.unit);
    if (parts.length < 2 || ![total, ...parts].every((row) => isRead(row) && isOfOneTime(row, total))) return false;
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
