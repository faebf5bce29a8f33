import { bucketOf } from "@meterbook/core/domain/bucket";
import type { Channel } from "@meterbook/core/domain/reading";
import type { Conflict, StoredConflict } from "@meterbook/core/ports/series-store";
import { bucketTags } from "./bucket-routes.ts";
import type { InfluxConnection } from "./influx-connection.ts";
import type { QueryParameters, RowSeries } from "./influx-query.ts";
import { anyOf, query } from "./influx-query.ts";
import { channelName, meterTags, parseChannelName, quoteString } from "./line-protocol.ts";

const idsPerFrame = 2 ** 20;

/** Tells the offset and the place in the frame, from 1 on, and stands where others have the time (in nanoseconds). */
export function conflictId({ offset, index }: Pick<Conflict, "offset" | "index">): number {
  return offset * idsPerFrame + index + 1;
}

export function conflictLine(conflict: Conflict): string {
  const { meterId, channel, at, kept, refused, receivedAtMs } = conflict;
  const numbers = { at, kv: kept.value, kq: kept.code, rv: refused.value, rq: refused.code, received: receivedAtMs };
  const fields = Object.entries(numbers).map(([name, value]) => `${name}=${value}i`);
  const tags = meterTags(bucketTags[bucketOf(meterId)] as string, meterId);
  return `conflict,${tags}${fields.join(",")},ch=${quoteString(channelName(channel))} ${conflictId(conflict)}\n`;
}

/** Which refused value of which key: what is recorded once. */
export function conflictContent({ meterId, channel, at, refused }: Omit<Conflict, "offset" | "index">): string {
  return `${meterId}/${channelName(channel)}/${at}/${refused.value}`;
}

export interface ConflictsAsked {
  readonly meterIds: readonly string[];
  /** Instants of the readings in conflict, both ends included. */
  readonly from: number;
  readonly to: number;
}

/** Those recorded for some meters of one server. */
export async function conflictsWithin(
  connection: InfluxConnection,
  { meterIds, from, to }: ConflictsAsked,
  signal: AbortSignal,
): Promise<StoredConflict[]> {
  const parameters: QueryParameters = {};
  const where = anyOf("m", meterIds, parameters);
  const text = `SELECT * FROM conflict WHERE ${where} AND "at" >= ${Math.trunc(from)} AND "at" <= ${Math.trunc(to)} GROUP BY k, m`;
  return (await query(connection, { text, parameters, epoch: "ns" }, signal)).flatMap(conflictsOf);
}

/** A meter's with `afterId < id`, of frames before `beforeOffset`, at most `limit`, in order of `id`. */
export async function conflictsAfter(
  connection: InfluxConnection,
  meterId: string,
  page: { afterId: number; beforeOffset: number; limit: number },
  signal: AbortSignal,
): Promise<StoredConflict[]> {
  const parameters: QueryParameters = { m: meterId };
  const last = Math.min(conflictId({ offset: page.beforeOffset, index: -1 }), Number.MAX_SAFE_INTEGER);
  const time = `time > ${Math.trunc(page.afterId)} AND time <= ${last}`;
  const text = `SELECT * FROM conflict WHERE m = $m AND ${time} GROUP BY k, m LIMIT ${Math.trunc(page.limit)}`;
  return (await query(connection, { text, parameters, epoch: "ns" }, signal)).flatMap(conflictsOf);
}

function conflictsOf({ tags, columns, values }: RowSeries): StoredConflict[] {
  return values.map((row) => {
    const cell = (name: string) => row[columns.indexOf(name)];
    const number = (name: string) => Number(cell(name));
    const at = number("at");
    return {
      id: Number(row[0]),
      meterId: tags?.["m"] ?? "",
      channel: parseChannelName(String(cell("ch"))) as Channel,
      at,
      kept: { at, value: number("kv"), code: number("kq") },
      refused: { at, value: number("rv"), code: number("rq") },
      receivedAtMs: number("received"),
    };
  });
}
