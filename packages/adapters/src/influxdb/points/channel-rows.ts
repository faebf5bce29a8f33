import type { ReadingCode } from "@meterbook/core/domain/reading/reading";
import type { StoredChannel, StoredMeter } from "@meterbook/core/ports/series-store";
import type { InfluxConnection } from "../client/influx-connection.ts";
import type { QueryParameters, RowSeries } from "../client/influx-query.ts";
import { anyOf, query } from "../client/influx-query.ts";
import type { TellOdd } from "../client/odd-rows.ts";
import { codedFields, parseChannelName, parseCodedName } from "./line-protocol.ts";
import { slotTags } from "./slot-routes.ts";
import { isBefore, isWhole, takeCoded } from "./stored-points.ts";

/**
 * `channel` rows: which channels a meter has, and where each begins. A row stands at the instant of an accepted reading
 * that was the earliest so far and carries it; of all rows of a channel the earliest counts. `<channel>_n` is its
 * index, `part` the partition of the readings log, whose progress says which rows have happened.
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
  /**
   * As of the frames before `beforeOffset`; undefined if it had no channel by then. What cannot be understood is left
   * out.
   */
  stored(no: number, beforeOffset: number, odd: TellOdd): StoredMeter | undefined;
}

/** All meters of some slots that are on one server. */
export async function metersOfSlots(
  connection: InfluxConnection,
  slots: readonly number[],
  signal: AbortSignal,
): Promise<FoundMeter[]> {
  const parameters: QueryParameters = {};
  const where = anyOf(
    "k",
    slots.map((slot) => slotTags[slot] as string),
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
    partition: firstWhole(series, "part") ?? -1,
    newestOffset: newestOffsetOf(series),
    stored: (no, beforeOffset, odd) => storedMeter({ meterId, no, series, beforeOffset }, odd),
  }));
}

function newestOffsetOf(series: readonly RowSeries[]): number {
  let newest = -1;
  for (const { columns, values } of series) {
    columns.forEach((name, column) => {
      if (parseCodedName(name)?.isOffset !== true) return;
      for (const row of values) if (isWhole(row[column])) newest = Math.max(newest, row[column]);
    });
  }
  return newest;
}

function firstWhole(series: readonly RowSeries[], column: string): number | undefined {
  for (const { columns, values } of series) {
    const at = columns.indexOf(column);
    for (const row of values) if (isWhole(row[at])) return row[at];
  }
  return undefined;
}

interface MeterRows {
  readonly meterId: string;
  readonly no: number;
  readonly series: readonly RowSeries[];
  readonly beforeOffset: number;
}

function storedMeter({ meterId, no, series, beforeOffset }: MeterRows, odd: TellOdd): StoredMeter | undefined {
  const rows = new Map<string, Parameters<typeof isBefore>[0][]>();
  for (const one of series) takeCoded(one, rows, { meterId, beforeOffset, odd });
  const channels: StoredChannel[] = [];
  for (const [name, entries] of rows) {
    const channel = parseChannelName(name);
    if (channel === undefined) {
      odd({ where: `channel ${name} of ${meterId}`, detail: "it is not the name of a channel", meterId });
      continue;
    }
    const { at, value, code } = entries.reduce((best, entry) =>
      entry.at < best.at || (entry.at === best.at && isBefore(entry, best)) ? entry : best,
    );
    const index = firstWhole(series, `${name}_n`) ?? Number.MAX_SAFE_INTEGER;
    channels.push({ ...channel, index, first: { at, value, code } });
  }
  if (channels.length === 0) return undefined;
  // Where one was left out, those after it move up: an index is a place in this list.
  channels.sort((a, b) => a.index - b.index);
  return { no, meterId, channels: channels.map((channel, index) => ({ ...channel, index })) };
}
