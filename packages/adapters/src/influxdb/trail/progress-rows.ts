import type { Progress } from "@meterbook/core/ports/series-store";
import { noProgress } from "@meterbook/core/ports/series-store";
import { cellsChecksum } from "../../sqlite-views/file/row-checksum.ts";
import type { InfluxConnection } from "../client/influx-connection.ts";
import type { Cell, QueryParameters } from "../client/influx-query.ts";
import { query } from "../client/influx-query.ts";
import type { OddRow } from "../client/odd-rows.ts";
import { quoteString } from "../points/line-protocol.ts";
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
  const [notesText, trailsText, tallyText] = [notes, trails, tally].map((value) => JSON.stringify(value)) as Texts;
  const checksum = cellsChecksum([partition, epoch, ...Object.values(numbers), notesText, trailsText, tallyText]);
  const texts = `notes=${quoteString(notesText)},trails=${quoteString(trailsText)},tally=${quoteString(tallyText)},crc=${checksum}i`;
  return `progress,part=${partition} ${fields.join(",")},${texts} ${epoch}\n`;
}

/** What a server has of a partition. */
export interface FoundProgress {
  readonly rows: readonly ProgressRow[];
  /** Of rows that are not as they were written. */
  readonly damagedEpochs: readonly number[];
}

const nothing: FoundProgress = { rows: [], damagedEpochs: [] };

export async function progressOf(
  connection: InfluxConnection,
  partition: number,
  signal: AbortSignal,
): Promise<FoundProgress> {
  const found = await progressRows(connection, { part: String(partition) }, signal);
  return found.get(partition) ?? nothing;
}

/** The rows of all partitions that one server has. */
export async function allProgress(connection: InfluxConnection, signal: AbortSignal) {
  return progressRows(connection, {}, signal);
}

async function progressRows(
  connection: InfluxConnection,
  parameters: QueryParameters,
  signal: AbortSignal,
): Promise<Map<number, FoundProgress>> {
  const where = "part" in parameters ? "WHERE part = $part" : "";
  const text = `SELECT * FROM progress ${where} GROUP BY part ORDER BY time DESC LIMIT ${epochsReadMax}`;
  return connection.odd.look(async (odd) => {
    const found = new Map<number, FoundProgress>();
    for (const series of await query(connection, { text, parameters, epoch: "ns" }, signal)) {
      const partition = Number(series.tags?.["part"]);
      const before = found.get(partition) ?? nothing;
      const read = series.values.map((row) => progressRow(partition, series.columns, row));
      const rows = [...before.rows, ...read.filter((row) => typeof row !== "number")];
      const damagedEpochs = [...before.damagedEpochs, ...read.filter((row) => typeof row === "number")];
      for (const epoch of damagedEpochs) odd(oddProgress(partition, epoch));
      found.set(partition, { rows, damagedEpochs });
    }
    return found;
  }, signal);
}

type Texts = [notes: string, trails: string, tally: string];

const numberNames = [
  "position",
  "stored",
  "duplicates",
  "conflicts",
  "refused",
  "newestAt",
  "issuedPosition",
  "pending",
] as const;

/** The epoch alone where the row is not as it was written. */
function progressRow(partition: number, columns: readonly string[], row: readonly Cell[]): ProgressRow | number {
  const cell = (name: string) => row[columns.indexOf(name)] ?? null;
  const number = (name: (typeof numberNames)[number]) => Number(cell(name));
  const epoch = Number(row[0]);
  const texts = ["notes", "trails", "tally"].map((name) => String(cell(name))) as Texts;
  if (cellsChecksum([partition, epoch, ...numberNames.map(number), ...texts]) !== cell("crc")) return epoch;
  const [notes, trails, tally] = texts;
  const progress = {
    position: number("position"),
    counts: {
      ...{ stored: number("stored"), duplicates: number("duplicates") },
      ...{ conflicts: number("conflicts"), refused: number("refused") },
    },
    tally: JSON.parse(tally) as Progress["tally"],
    newestAt: number("newestAt"),
    issuedPosition: number("issuedPosition"),
    pending: number("pending"),
    notes: JSON.parse(notes) as Progress["notes"],
  };
  return { epoch, progress, trails: JSON.parse(trails) as ProgressRow["trails"] };
}

function oddProgress(partition: number, epoch: number): OddRow {
  const detail = "how far a partition is, by one of its owners, is not as it was written; what it noted beside is used";
  return { where: `progress of partition ${partition} epoch ${epoch}`, detail, code: "checksum_mismatch" };
}

/**
 * The highest position counts. Rows at the same position tell the same, and the newest owner knows best what is issued.
 */
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
