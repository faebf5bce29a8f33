import type { OutageRecord } from "@meterbook/core/domain/registry/outage";
import { formatInstant } from "@meterbook/core/domain/time/instant";
import { csvRow } from "../../http/answers/csv-cell.ts";
import type { CsvRow } from "../imports/import-rows.ts";
import { wholeOf } from "../imports/whole-of.ts";

/** A row an outage. */
export const outageCsvColumns = ["outage_id", "from", "to", "feeder", "usage_points", "reason", "version"] as const;
export type OutageCsvColumn = (typeof outageCsvColumns)[number];

export const outageCsvHeader = `${outageCsvColumns.join(",")}\n`;
/** No id has one. */
const separator = " ";

export function outageCsvRow({ outageId, from, to, feeder, usagePoints, reason }: OutageRecord, version: number) {
  const time = [formatInstant(from), to === undefined ? "" : formatInstant(to)];
  return csvRow([outageId, ...time, feeder ?? "", usagePoints.join(separator), reason ?? "", version]);
}

/** A row as an outage in its JSON form, still to be validated. */
export function outageOfRow(row: CsvRow<OutageCsvColumn>): Record<string, unknown> {
  const { outage_id: outageId, from, to, feeder, reason, version } = row;
  const usagePoints = row.usage_points.split(separator).filter((id) => id !== "");
  const said = { outageId, from, to, feeder, reason, version: wholeOf(version) };
  return { usagePoints, ...Object.fromEntries(Object.entries(said).filter(([, value]) => value !== "")) };
}

const columnOf: Readonly<Record<string, OutageCsvColumn>> = { outageId: "outage_id", usagePoints: "usage_points" };

export function outageColumn(field: string): string {
  const [name = ""] = field.split(".");
  return columnOf[name] ?? name;
}
