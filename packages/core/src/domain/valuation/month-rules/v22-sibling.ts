import type { JudgedRow } from "./judged-row.ts";

/** V22: registers of the master data of which a month has nothing while it has something of the meter's others. */
export function absentSiblings(rows: readonly JudgedRow[], registers: readonly string[]): readonly JudgedRow[] {
  if (!rows.some(({ method }) => method !== "MISSING")) return [];
  return rows.filter(({ register, method }) => method === "MISSING" && registers.includes(register));
}
