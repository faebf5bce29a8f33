import type { ReadingCode } from "@meterbook/core/domain/reading";
import type { StoredChannel, StoredMeter } from "@meterbook/core/ports/series-store";
import { bucketTags } from "./bucket-routes.ts";
import type { InfluxConnection } from "./influx-connection.ts";
import type { QueryParameters, RowSeries } from "./influx-query.ts";
import { anyOf, query } from "./influx-query.ts";
import { codedFields, parseChannelName, parseCodedName } from "./line-protocol.ts";
import { isBefore, takeCoded } from "./stored-points.ts";

/**
 * `channel` rows: which channels a meter has, and where each begins. A row stands at the instant of an accepted reading
 * that was the earliest so far and carries it; of all rows of a channel the earliest counts. `<channel>_n` is its index,
 * `part` the partition of the readings log, whose progress says which rows have happened.
 */
export interface ChannelRow {
  /** The channel's name, escaped. */
  readonly field: string;
  readonly index: number;
  readonly at: number;
  readonly value: number;
  readonly code: ReadingCode;
  readonly offset: number;
}

/** @param tags as `meterTags` spells them. */
export function channelLine(tags: string, partition: number, row: ChannelRow): string {
  const fields = codedFields(row.field, row.code, row.value, row.offset);
  return `channel,${tags}${fields},${row.field}_n=${row.index}i,part=${partition}i ${row.at}\n`;
}

/** A meter of whose rows nobody has said yet which have happened. */
export interface FoundMeter {
  readonly meterId: string;
  readonly partition: number;
  /** The newest frame that any row speaks of. */
  readonly newestOffset: number;
  /** As of the frames before `beforeOffset`; undefined where it has no channel by then. */
  stored(no: number, beforeOffset: number): StoredMeter | undefined;
}

/** All meters of some buckets that are on one server. */
export async function metersOfBuckets(
  connection: InfluxConnection,
  buckets: readonly number[],
  signal: AbortSignal,
): Promise<FoundMeter[]> {
  const parameters: QueryParameters = {};
  const where = anyOf(
    "k",
    buckets.map((bucket) => bucketTags[bucket] as string),
    parameters,
  );
  return foundMeters(
    await query(connection, { text: `SELECT * FROM channel WHERE ${where} GROUP BY k, m`, parameters }, signal),
  );
}

/** Those of some meters, all on one server, that have channels. */
export async function metersById(
  connection: InfluxConnection,
  meterIds: readonly string[],
  signal: AbortSignal,
): Promise<FoundMeter[]> {
  const parameters: QueryParameters = {};
  const where = anyOf("m", meterIds, parameters);
  return foundMeters(
    await query(connection, { text: `SELECT * FROM channel WHERE ${where} GROUP BY k, m`, parameters }, signal),
  );
}

function foundMeters(rows: readonly RowSeries[]): FoundMeter[] {
  const byMeter = Map.groupBy(rows, ({ tags }) => tags?.["m"] ?? "");
  return [...byMeter].map(([meterId, series]) => ({
    meterId,
    partition: Number(firstOf(series, "part") ?? -1),
    newestOffset: newestOffsetOf(series),
    stored: (no, beforeOffset) => storedMeter(meterId, no, series, beforeOffset),
  }));
}

function newestOffsetOf(series: readonly RowSeries[]): number {
  let newest = -1;
  for (const { columns, values } of series) {
    columns.forEach((name, column) => {
      if (parseCodedName(name)?.isOffset !== true) return;
      for (const row of values) newest = Math.max(newest, Number(row[column] ?? -1));
    });
  }
  return newest;
}

function firstOf(series: readonly RowSeries[], column: string) {
  for (const { columns, values } of series) {
    const at = columns.indexOf(column);
    const row = values.find((cells) => at !== -1 && cells[at] !== null);
    if (row !== undefined) return row[at];
  }
  return undefined;
}

function storedMeter(
  meterId: string,
  no: number,
  series: readonly RowSeries[],
  beforeOffset: number,
): StoredMeter | undefined {
  const rows = new Map<string, Parameters<typeof isBefore>[0][]>();
  for (const one of series) takeCoded(one, rows, beforeOffset);
  if (rows.size === 0) return undefined;
  const channels: StoredChannel[] = [];
  for (const [name, entries] of rows) {
    const channel = parseChannelName(name);
    if (channel === undefined) continue;
    const { at, value, code } = entries.reduce((best, entry) =>
      entry.at < best.at || (entry.at === best.at && isBefore(entry, best)) ? entry : best,
    );
    channels.push({ ...channel, index: Number(firstOf(series, `${name}_n`)), first: { at, value, code } });
  }
  channels.sort((a, b) => a.index - b.index);
  return { no, meterId, channels };
}
