import type { Progress } from "@meterbook/core/ports/series-store";
import { noProgress } from "@meterbook/core/ports/series-store";
import type { InfluxConnection } from "./influx-connection.ts";
import type { QueryParameters, RowSeries } from "./influx-query.ts";
import { query } from "./influx-query.ts";
import { quoteString } from "./line-protocol.ts";
import type { TrailEnd } from "./trail.ts";

/** What the owner of one epoch recorded last. */
export interface ProgressRow {
  readonly epoch: number;
  readonly progress: Progress;
  /** By server: how far the owner's trail went when it was recorded. */
  readonly trails: readonly TrailEnd[];
}

/** Owners before these have been superseded so often that none of them is ahead. */
const epochsReadMax = 200;

/** A row per partition and epoch, at the nanosecond of the epoch's number; its owner writes it again and again. */
export function progressLine(partition: number, { epoch, progress, trails }: ProgressRow): string {
  const { position, counts, newestAt, issuedPosition, pending, notes, tally } = progress;
  const { stored, duplicates, conflicts, refused } = counts;
  const numbers = { position, stored, duplicates, conflicts, refused, newestAt, issuedPosition, pending };
  const fields = Object.entries(numbers).map(([name, value]) => `${name}=${value}i`);
  const text = (value: unknown) => quoteString(JSON.stringify(value));
  const texts = `notes=${text(notes)},trails=${text(trails)},tally=${text(tally)}`;
  return `progress,part=${partition} ${fields.join(",")},${texts} ${epoch}\n`;
}

/** The rows of a partition that one server has. */
export async function progressOf(
  connection: InfluxConnection,
  partition: number,
  signal: AbortSignal,
): Promise<ProgressRow[]> {
  const rows = await progressRows(connection, { part: String(partition) }, signal);
  return rows.get(partition) ?? [];
}

/** The rows of all partitions that one server has. */
export async function allProgress(connection: InfluxConnection, signal: AbortSignal) {
  return progressRows(connection, {}, signal);
}

async function progressRows(
  connection: InfluxConnection,
  parameters: QueryParameters,
  signal: AbortSignal,
): Promise<Map<number, ProgressRow[]>> {
  const where = "part" in parameters ? "WHERE part = $part" : "";
  const text = `SELECT * FROM progress ${where} GROUP BY part ORDER BY time DESC LIMIT ${epochsReadMax}`;
  const found = new Map<number, ProgressRow[]>();
  for (const series of await query(connection, { text, parameters, epoch: "ns" }, signal)) {
    const partition = Number(series.tags?.["part"]);
    found.set(partition, [...(found.get(partition) ?? []), ...rowsOf(series)]);
  }
  return found;
}

function rowsOf({ columns, values }: RowSeries): ProgressRow[] {
  return values.map((row) => {
    const cell = (name: string) => row[columns.indexOf(name)];
    const number = (name: string) => Number(cell(name));
    const progress = {
      position: number("position"),
      counts: {
        ...{ stored: number("stored"), duplicates: number("duplicates"), conflicts: number("conflicts") },
        // What an earlier version did not record is as at the beginning.
        refused: Number(cell("refused") ?? 0),
      },
      tally: tallyIn(cell("tally")),
      newestAt: number("newestAt"),
      issuedPosition: number("issuedPosition"),
      pending: number("pending"),
      notes: JSON.parse(String(cell("notes"))) as Progress["notes"],
    };
    const trails = JSON.parse(String(cell("trails") ?? "[]")) as ProgressRow["trails"];
    return { epoch: Number(row[0]), progress, trails };
  });
}

function tallyIn(cell: unknown): Progress["tally"] {
  return typeof cell === "string" ? (JSON.parse(cell) as Progress["tally"]) : noProgress.tally;
}

/** The highest position counts. Rows at the same position tell the same, and the newest owner knows best what is issued. */
export function furthest(rows: readonly ProgressRow[]): Progress {
  return furthestRow(rows)?.progress ?? noProgress;
}

export function furthestRow(rows: readonly ProgressRow[]): ProgressRow | undefined {
  let best: ProgressRow | undefined;
  for (const row of rows) {
    const ahead = row.progress.position - (best?.progress.position ?? -1);
    if (ahead > 0 || (ahead === 0 && row.epoch > (best?.epoch ?? -1))) best = row;
  }
  return best;
}
