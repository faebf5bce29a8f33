import { formatInstant, formatInstantMs } from "@meterbook/core/domain/instant";
import type { Evidence, RegisterSnapshot, Snapshot } from "@meterbook/core/domain/snapshot";
import { periodName } from "@meterbook/core/domain/snapshot";
import { csvCell } from "./csv-cell.ts";

/** The columns of the contract, section 3. */
export const snapshotCsvHeader =
  "meter_id,usage_point_id,period,revision,lifecycle,boundary,issued_at,reason,hash,register,unit,value,opening,consumption,quality,method,origin,read_at,before_at,before_value,after_at,after_value\n";

/**
 * One row per register of a snapshot. Billing exports a fleet through this, so cells that a snapshot's rows share are
 * put together once, and nothing but text is made.
 */
export function snapshotCsvRows(snapshot: Snapshot): string {
  const shared = `${snapshot.meterId},${snapshot.usagePointId},${periodName(snapshot.period)},${snapshot.revision},${snapshot.lifecycle},${formatInstant(snapshot.boundary)},${formatInstantMs(snapshot.issuedAtMs)},${csvCell(snapshot.reason)},${snapshot.hash},`;
  let rows = "";
  for (const row of snapshot.registers) rows += shared + registerCells(row);
  return rows;
}

function registerCells(row: RegisterSnapshot): string {
  return `${row.register},${row.unit},${row.value ?? ""},${row.opening ?? ""},${row.consumption ?? ""},${row.quality},${row.method},${row.origin ?? ""},${row.readAt === null ? "" : formatInstant(row.readAt)},${evidenceCells(row.before)},${evidenceCells(row.after)}\n`;
}

function evidenceCells(evidence: Evidence | null): string {
  return evidence === null ? "," : `${formatInstant(evidence.at)},${evidence.value}`;
}
