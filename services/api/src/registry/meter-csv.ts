import type { MeterRecord } from "@meterbook/core/domain/registry/meter-record";
import { csvCell, csvRow } from "../http/answers/csv-cell.ts";
import type { FieldError } from "../http/problems/problem.ts";
import type { CsvRow } from "./imports/import-rows.ts";
import { wholeOf } from "./imports/whole-of.ts";
import { multipliersMax } from "./meter-record-checks.ts";
import { meterRecordJson } from "./meter-record-json.ts";

/** One row per register; the rows of a meter stand together and repeat what belongs to the meter. */
export const meterCsvColumns = [
  "meter_id",
  "usage_point_id",
  "zone",
  "step_seconds",
  "connection_power_w",
  "installed_at",
  "removed_at",
  "register",
  "unit",
  "digits",
  "multiplier",
  "installed_value",
  "removed_value",
  "display_unit",
  "modulus",
  "direction",
  "multipliers",
  "annual_use",
  "serial_number",
] as const;
export type MeterCsvColumn = (typeof meterCsvColumns)[number];
export type MeterCsvRow = CsvRow<MeterCsvColumn>;

export const meterCsvHeader = `${meterCsvColumns.join(",")}\n`;

export function meterCsvRows(record: MeterRecord): string {
  const { meterId, usagePointId, zone, stepSeconds, connectionPowerW, installed, removed, registers } =
    meterRecordJson(record);
  const label = record.serialNumber === undefined ? "" : csvCell(record.serialNumber);
  const shared = [meterId, usagePointId, zone, stepSeconds, connectionPowerW, installed?.at, removed?.at];
  if (registers.length === 0) return csvRow([...shared, ...ofARegister.map(() => ""), label]);
  return registers
    .map(({ register, unit, digits, multiplier, displayUnit, modulus, direction, multipliers, annualUse }) => {
      const values = [installed?.values[register], removed?.values[register]];
      const dated = multipliers?.map((one) => `${one.multiplier}@${one.validFrom}`).join(" ");
      const more = [displayUnit, modulus, direction, dated, annualUse, label];
      return csvRow([...shared, register, unit, digits, multiplier, ...values, ...more]);
    })
    .join("");
}

const ofTheMeter = [...meterCsvColumns.slice(0, 7), "serial_number"] as const;
const ofARegister = meterCsvColumns.slice(7, -1);

/** The rows of one meter as a record in its JSON form, still to be validated, and the columns in which they differ. */
export function meterOfRows(rows: readonly [MeterCsvRow, ...MeterCsvRow[]]): {
  record: unknown;
  differing: readonly MeterCsvColumn[];
} {
  const [first] = rows;
  const differing = ofTheMeter.filter((column) => rows.some((row) => row[column] !== first[column]));
  const record = {
    ...texts({
      meterId: first.meter_id,
      usagePointId: first.usage_point_id,
      zone: first.zone,
      serialNumber: first.serial_number,
    }),
    ...numbers({ stepSeconds: first.step_seconds, connectionPowerW: first.connection_power_w }),
    registers: rows.filter(({ register }) => register !== "").map(registerOfRow),
    ...eventOfRows("installed", first.installed_at, rows, "installed_value"),
    ...eventOfRows("removed", first.removed_at, rows, "removed_value"),
  };
  return { record, differing };
}

function registerOfRow(row: MeterCsvRow): Record<string, unknown> {
  const { register, unit, digits, multiplier, display_unit: displayUnit, modulus, direction, multipliers } = row;
  const amounts = texts({ displayUnit, modulus, direction, annualUse: row.annual_use });
  const more = { ...numbers({ digits, multiplier }), ...amounts };
  if (multipliers === "") return { register, unit, ...more };
  return {
    register,
    unit,
    ...more,
    multipliers: multipliers
      .split(" ")
      .slice(0, multipliersMax + 1)
      .map(datedOf),
  };
}

/** `40@2026-09-01T00:00:00Z` */
function datedOf(text: string): Record<string, unknown> {
  const [multiplier = "", validFrom = ""] = text.split("@", 2);
  return { ...numbers({ multiplier }), validFrom };
}

function eventOfRows(
  name: string,
  at: string,
  rows: readonly MeterCsvRow[],
  column: MeterCsvColumn,
): Record<string, unknown> {
  const values = rows.filter((row) => row[column] !== "").map((row) => [row.register, row[column]] as const);
  return at === "" && values.length === 0 ? {} : { [name]: { at, values: Object.fromEntries(values) } };
}

function texts(cells: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(cells).filter(([, text]) => text !== ""));
}

function numbers(cells: Record<string, string>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(texts(cells)).map(([name, text]) => [name, wholeOf(text)]));
}

const columnOf: Readonly<Record<string, MeterCsvColumn>> = {
  meterId: "meter_id",
  usagePointId: "usage_point_id",
  stepSeconds: "step_seconds",
  connectionPowerW: "connection_power_w",
  zone: "zone",
  displayUnit: "display_unit",
  annualUse: "annual_use",
  serialNumber: "serial_number",
  "installed.at": "installed_at",
  "removed.at": "removed_at",
};

/** An error of the record as one of its rows: the column, the line of the body and what stood there. */
export function placedInCsv({ field, message }: FieldError, rows: readonly MeterCsvRow[], line: number): FieldError {
  const [, no, member = ""] = /^registers\.(\d+)\.(\w+)(?:\.|$)/.exec(field) ?? [];
  const [, event, code] = /^(installed|removed)\.values\.(.*)$/.exec(field) ?? [];
  const named = rows.filter(({ register }) => register !== "");
  const row = (no === undefined ? rows.find(({ register }) => register === code) : named[Number(no)]) ?? rows[0];
  const column = event === undefined ? (columnOf[field] ?? columnOf[member] ?? member) : `${event}_value`;
  if (row === undefined || !isColumn(column)) return { field, message };
  const cell = row[column] === "" ? "" : `"${row[column]}": `;
  return { field: column, message: `line ${line + rows.indexOf(row)}: ${cell}${message}` };
}

function isColumn(name: string): name is MeterCsvColumn {
  return meterCsvColumns.some((column) => column === name);
}
