import type { RegisterSnapshot, Snapshot } from "../snapshot/snapshot.ts";

/** What billing says that it used of an issued revision: one line of an invoice. */
export interface Acknowledgement {
  readonly meterId: string;
  readonly period: number;
  readonly revision: number;
  readonly register: string;
  readonly invoice: string;
  /** Base units; null where billing does not say. */
  readonly opening: number | null;
  readonly closing: number | null;
  readonly consumption: number | null;
  /** Money as billing writes it; null where it does not say. */
  readonly amount: string | null;
  readonly currency: string | null;
  readonly acknowledgedAtMs: number;
  readonly by: string;
}

/** A line of an invoice is said once: what differs is another line, and is refused. */
export function isSameLine(a: Acknowledgement, b: Acknowledgement): boolean {
  const told = ({ acknowledgedAtMs: _at, by: _by, ...rest }: Acknowledgement) =>
    JSON.stringify(Object.entries(rest).sort());
  return told(a) === told(b);
}

export const comparedFields = ["opening", "closing", "consumption"] as const;
export type ComparedField = (typeof comparedFields)[number];

/**
 * What billing says of it that the revision does not; what billing leaves out is not compared. Of a month of several
 * rows billing may have used all, those of one usage point, or one.
 */
export function differencesOf(
  line: Acknowledgement,
  { registers }: Pick<Snapshot, "registers">,
): readonly ComparedField[] {
  const rows = registers.filter(({ register }) => register === line.register);
  const ofPoints = [...Map.groupBy(rows, ({ usagePointId }) => usagePointId).values()];
  const parts = rows.length < 2 ? [] : [...ofPoints, ...rows.map((row) => [row])];
  const isOfPart = parts.some((part) => differencesFrom(line, part).length === 0);
  return isOfPart ? [] : differencesFrom(line, rows);
}

function differencesFrom(line: Acknowledgement, rows: readonly RegisterSnapshot[]): readonly ComparedField[] {
  const [first, last] = [rows[0], rows.at(-1)];
  if (first === undefined || last === undefined) return comparedFields.filter((field) => line[field] !== null);
  const issued = { opening: first.opening, closing: last.value, consumption: usedIn(rows) };
  return comparedFields.filter((field) => line[field] !== null && line[field] !== issued[field]);
}

function usedIn(rows: readonly RegisterSnapshot[]): number | null {
  if (rows.some(({ consumption }) => consumption === null)) return null;
  return rows.reduce((sum, { consumption }) => sum + (consumption ?? 0), 0);
}
