import { type FactName, factNames, type UsagePointRecord } from "@meterbook/core/domain/registry/usage-point";
import { formatInstant } from "@meterbook/core/domain/time/instant";
import { csvRow } from "../../http/answers/csv-cell.ts";
import type { FieldError } from "../../http/problems/problem.ts";
import type { CsvRow } from "../imports/import-rows.ts";
import { wholeOf } from "../imports/whole-of.ts";

/** A row for each time at which something begins to hold; the rows of a usage point stand together. */
export const usagePointCsvColumns = [
  "usage_point_id",
  "valid_from",
  "zone",
  "connection_power_w",
  "feeder",
  "supplier",
  "groups",
  "status",
  "reading_policy",
  "version",
  "measures",
] as const;
export type UsagePointCsvColumn = (typeof usagePointCsvColumns)[number];

export const usagePointCsvHeader = `${usagePointCsvColumns.join(",")}\n`;

const columnOf: Readonly<Record<FactName, UsagePointCsvColumn>> = {
  zone: "zone",
  connectionPowerW: "connection_power_w",
  feeder: "feeder",
  supplier: "supplier",
  groups: "groups",
  status: "status",
  readingPolicy: "reading_policy",
  measures: "measures",
};
/** No id has one. */
const groupSeparator = " ";

export function usagePointCsvRows(usagePointId: string, record: UsagePointRecord | null, version: number): string {
  const times = new Set(factNames.flatMap((fact) => (record?.[fact] ?? []).map(({ validFrom }) => validFrom)));
  if (times.size === 0) return csvRow([usagePointId, "", "", "", "", "", "", "", "", version, ""]);
  return [...times]
    .sort((a, b) => a - b)
    .map((at) => {
      const cells = factNames.map((fact) => cellOf(record?.[fact]?.find(({ validFrom }) => validFrom === at)?.value));
      // Columns are only ever added at the end: the version stands before the newest fact.
      return csvRow([usagePointId, at === 0 ? "" : formatInstant(at), ...cells.slice(0, -1), version, cells.at(-1)]);
    })
    .join("");
}

function cellOf(value: string | number | readonly string[] | undefined): string | number | undefined {
  return typeof value === "object" ? value.join(groupSeparator) || "-" : value;
}

/** The rows of one usage point as a record in its JSON form, still to be validated. */
export function usagePointOfRows(rows: readonly [CsvRow<UsagePointCsvColumn>, ...CsvRow<UsagePointCsvColumn>[]]) {
  const [first] = rows;
  const facts = factNames.map((fact) => {
    const said = rows.filter((row) => row[columnOf[fact]] !== "");
    return [fact, said.map((row) => ({ value: factOf(fact, row[columnOf[fact]]), ...from(row.valid_from) }))] as const;
  });
  const differing = rows.some(({ version }) => version !== first.version) ? ["version"] : [];
  const record = {
    ...(first.usage_point_id === "" ? {} : { usagePointId: first.usage_point_id }),
    ...(first.version === "" ? {} : { version: wholeOf(first.version) }),
    ...Object.fromEntries(facts.filter(([, values]) => values.length > 0)),
  };
  return { record, differing };
}

function from(cell: string): { validFrom?: string } {
  return cell === "" ? {} : { validFrom: cell };
}

function factOf(fact: FactName, cell: string): unknown {
  if (fact === "connectionPowerW") return wholeOf(cell);
  if (fact !== "groups") return cell;
  return cell === "-" ? [] : cell.split(groupSeparator).filter((group) => group !== "");
}

/** An error of the record as one of its rows: the column, the line of the body and what stood there. */
export function placedInUsagePointCsv(
  { field, message }: FieldError,
  rows: readonly CsvRow<UsagePointCsvColumn>[],
  line: number,
): FieldError {
  const [fact = "", index, member] = field.split(".");
  const name = factNames.find((one) => one === fact);
  if (name === undefined) return { field: fact === "usagePointId" ? "usage_point_id" : field, message };
  const said = rows.filter((row) => row[columnOf[name]] !== "");
  const row = said[Number(index ?? 0)] ?? rows[0];
  const column = member === "validFrom" ? "valid_from" : columnOf[name];
  if (row === undefined) return { field: column, message };
  const cell = row[column] === "" ? "" : `"${row[column]}": `;
  return { field: column, message: `line ${line + rows.indexOf(row)}: ${cell}${message}` };
}
