import type { Conflict, StoredConflict } from "@meterbook/core/ports/series-store";
import { slotOf } from "@meterbook/sharding/slot";
import { cellsChecksum } from "../../sqlite-views/file/row-checksum.ts";
import type { InfluxConnection } from "../client/influx-connection.ts";
import type { QueryParameters, RowSeries } from "../client/influx-query.ts";
import { anyOf, query } from "../client/influx-query.ts";
import type { TellOdd } from "../client/odd-rows.ts";
import { channelName, meterTags, parseChannelName, quoteString } from "./line-protocol.ts";
import { slotTags } from "./slot-routes.ts";

const idsPerFrame = 2 ** 20;

/** Tells the frame and the place in the frame, from 1 on, and stands where others have the time (in nanoseconds). */
export function conflictId({ position, index }: Pick<Conflict, "position" | "index">): number {
  return position * idsPerFrame + index + 1;
}

export function conflictLine(conflict: Conflict): string {
  const { meterId, channel, at, kept, refused, receivedAtMs } = conflict;
  const numbers = { at, kv: kept.value, kq: kept.code, rv: refused.value, rq: refused.code, received: receivedAtMs };
  const fields = Object.entries(numbers).map(([name, value]) => `${name}=${value}i`);
  const tags = meterTags(slotTags[slotOf(meterId)] as string, meterId);
  const [name, id] = [channelName(channel), conflictId(conflict)];
  const checksum = cellsChecksum([meterId, id, name, ...Object.values(numbers)]);
  return `conflict,${tags}${fields.join(",")},ch=${quoteString(name)},crc=${checksum}i ${id}\n`;
}

/** Which refused value of which key: what is recorded once. */
export function conflictContent({ meterId, channel, at, refused }: Omit<Conflict, "position" | "index">): string {
  return `${meterId}/${channelName(channel)}/${at}/${refused.value}`;
}

export interface ConflictsAsked {
  readonly meterIds: readonly string[];
  /** Instants of the readings in conflict, both ends included. */
  readonly from: number;
  readonly to: number;
  /** Of frames before this one. */
  readonly beforeOffset: number;
}

/** Those recorded for some meters of one server. */
export async function conflictsWithin(
  connection: InfluxConnection,
  { meterIds, from, to, beforeOffset }: ConflictsAsked,
  signal: AbortSignal,
): Promise<StoredConflict[]> {
  const parameters: QueryParameters = {};
  const where = anyOf("m", meterIds, parameters);
  const text = `SELECT * FROM conflict WHERE ${where} AND "at" >= ${Math.trunc(from)} AND "at" <= ${Math.trunc(to)} AND time <= ${lastIdBefore(beforeOffset)} GROUP BY k, m`;
  return connection.odd.look(
    async (odd) =>
      (await query(connection, { text, parameters, epoch: "ns" }, signal)).flatMap((rows) => conflictsOf(rows, odd)),
    signal,
  );
}

/** A meter's with `afterId < id`, of frames before `beforeOffset`, at most `limit`, in order of `id`. */
export async function conflictsAfter(
  connection: InfluxConnection,
  meterId: string,
  page: { afterId: number; beforeOffset: number; limit: number },
  signal: AbortSignal,
): Promise<StoredConflict[]> {
  const parameters: QueryParameters = { m: meterId };
  return connection.odd.look(async (odd) => {
    const found: StoredConflict[] = [];
    let after = page.afterId;
    while (found.length < page.limit) {
      const limit = Math.trunc(page.limit - found.length);
      const time = `time > ${Math.trunc(after)} AND time <= ${lastIdBefore(page.beforeOffset)}`;
      const text = `SELECT * FROM conflict WHERE m = $m AND ${time} GROUP BY k, m LIMIT ${limit}`;
      const rows = await query(connection, { text, parameters, epoch: "ns" }, signal);
      found.push(...rows.flatMap((some) => conflictsOf(some, odd)));
      // What was left out leaves room.
      if (rows.reduce((count, { values }) => count + values.length, 0) < limit) break;
      after = Number(rows.at(-1)?.values.at(-1)?.[0]);
    }
    return found;
  }, signal);
}

export interface NewestConflictsAsked {
  /** Of a partition that are on the server. */
  readonly slots: readonly number[];
  readonly meterId: string | undefined;
  /** Of the readings: `from <= at < to`. */
  readonly from: number;
  readonly to: number;
  /** Only with a smaller id than this, and of frames before `beforeOffset`. */
  readonly beforeId: number;
  readonly beforeOffset: number;
  readonly limit: number;
}

/** The newest of some slots of one server first. */
export async function newestConflicts(
  connection: InfluxConnection,
  asked: NewestConflictsAsked,
  signal: AbortSignal,
): Promise<StoredConflict[]> {
  const { slots, meterId, from, to, beforeOffset } = asked;
  return connection.odd.look(async (odd) => {
    const found: StoredConflict[] = [];
    let last = Math.min(asked.beforeId - 1, lastIdBefore(beforeOffset));
    while (found.length < asked.limit) {
      const limit = Math.trunc(asked.limit - found.length);
      const parameters: QueryParameters = meterId === undefined ? {} : { m: meterId };
      const tags = slots.map((slot) => slotTags[slot] as string);
      const where = `${meterId === undefined ? anyOf("k", tags, parameters) : "m = $m"} AND time <= ${last}`;
      const text = `SELECT * FROM conflict WHERE ${where} AND "at" >= ${Math.trunc(from)} AND "at" < ${Math.trunc(to)} ORDER BY time DESC LIMIT ${limit}`;
      const rows = await query(connection, { text, parameters, epoch: "ns" }, signal);
      found.push(...rows.flatMap((some) => conflictsOf(some, odd)));
      // What was left out leaves room.
      const ids = rows.flatMap(({ values }) => values.map(([id]) => Number(id)));
      if (ids.length < limit) break;
      last = Math.min(...ids) - 1;
    }
    return found;
  }, signal);
}

function lastIdBefore(position: number): number {
  return Math.min(conflictId({ position, index: -1 }), Number.MAX_SAFE_INTEGER);
}

const numberNames = ["at", "kv", "kq", "rv", "rq", "received"] as const;

function conflictsOf({ tags, columns, values }: RowSeries, odd: TellOdd): StoredConflict[] {
  return values.flatMap((row) => {
    const cell = (name: string) => row[columns.indexOf(name)] ?? null;
    // Without groups a tag is a column.
    const meterId = tags?.["m"] ?? String(cell("m") ?? "");
    const [id, name] = [Number(row[0]), String(cell("ch"))];
    const numbers = numberNames.map((one) => Number(cell(one)));
    const channel = parseChannelName(name);
    if (channel === undefined || cellsChecksum([meterId, id, name, ...numbers]) !== cell("crc")) {
      const detail =
        "a refused value beside a kept one is not as it was written: it is not shown, and counts as it did";
      odd({ where: `conflict ${id} of ${meterId}`, detail, meterId, code: "checksum_mismatch" });
      return [];
    }
    const [at, kept, keptCode, refused, refusedCode, receivedAtMs] = numbers as [
      number,
      number,
      number,
      number,
      number,
      number,
    ];
    return {
      id,
      meterId,
      channel,
      at,
      kept: { at, value: kept, code: keptCode },
      refused: { at, value: refused, code: refusedCode },
      receivedAtMs,
    };
  });
}
