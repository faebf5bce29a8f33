import { csvCell, csvRow } from "../../http/answers/csv-cell.ts";
import type { StatementJson } from "./statement-json.ts";

/** A row per segment; a register without one has a row of its own, and so has a statement without registers. */
export const statementCsvHeader =
  "usage_point_id,period,lifecycle,void,incomplete,waits_for,hash,register,unit,consumption,quality,correction," +
  "meter_id,snapshot_id,from,to,opening,opening_at,opening_basis,closing,method,multiplier,segment_consumption," +
  "segment_quality,before_at,before_value,after_at,after_value\n";

const segmentCells = 16;
const registerCells = 5;

export function statementCsvRows(statement: StatementJson): string {
  const { usagePointId, period, lifecycle, waitsFor, hash, registers } = statement;
  const waits = csvCell(waitsFor.map(({ detail }) => detail).join("; "));
  const shared = [usagePointId, period, lifecycle, String(statement.void), String(statement.incomplete), waits, hash];
  if (registers.length === 0) return csvRow([...shared, ...empty(registerCells + segmentCells)]);
  return registers
    .flatMap(({ register, unit, consumption, quality, correction, segments }) => {
      const ofRegister = [...shared, register, unit, consumption, quality, correction];
      if (segments.length === 0) return [csvRow([...ofRegister, ...empty(segmentCells)])];
      return segments.map((segment) => csvRow([...ofRegister, ...cellsOf(segment)]));
    })
    .join("");
}

function empty(cells: number): readonly string[] {
  return Array.from({ length: cells }, () => "");
}

function cellsOf(segment: StatementJson["registers"][number]["segments"][number]) {
  const { meterId, snapshotId, from, to, opening, openingAt, openingBasis, closing, method, multiplier } = segment;
  const { before, after } = segment.evidence;
  const place = [meterId, snapshotId, from, to, opening, openingAt, openingBasis, closing, method, multiplier];
  return [...place, segment.consumption, segment.quality, before?.at, before?.value, after?.at, after?.value];
}
