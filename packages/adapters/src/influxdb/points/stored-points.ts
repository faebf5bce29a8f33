import type { Channel, Columns, Reading, ReadingCode, ReadingSeries } from "@meterbook/core/domain/reading/reading";
import { emptyColumns, hasSecondValue, pushReading } from "@meterbook/core/domain/reading/reading";
import { readingRank } from "@meterbook/core/domain/reading/reading-rank";
import type { InfluxConnection } from "../client/influx-connection.ts";
import type { Cell, Query, QueryParameters, RowSeries } from "../client/influx-query.ts";
import { anyOf, query, timeWithin } from "../client/influx-query.ts";
import { atSecond, type TellOdd } from "../client/odd-rows.ts";
import { channelName, parseCodedName, quoteIdentifier } from "./line-protocol.ts";

/** Some meters with their channels, over a stretch of time (both ends included). */
export interface PointsAsked {
  readonly meterIds: readonly string[];
  /** All channels that are wanted of any of them. */
  readonly channels: readonly Channel[];
  readonly from: number;
  readonly to: number;
}

/** Readings in effect by meter and channel name, ascending. */
export type PointsFound = ReadonlyMap<string, ReadonlyMap<string, Columns>>;

/** A stored value with the offset of the frame that brought it. */
interface Entry extends Reading {
  readonly offset: number;
}

/**
 * What is in effect of the frames before `beforeOffset`: of the values of one key the one of the lowest rank, then the
 * first. Points of later frames are leftovers of a batch that did not come to its end.
 */
export async function pointsInEffect(
  connection: InfluxConnection,
  asked: readonly PointsAsked[],
  beforeOffset: number,
  signal: AbortSignal,
): Promise<PointsFound> {
  const some = asked.filter(({ meterIds, channels }) => meterIds.length > 0 && channels.length > 0);
  if (some.length === 0) return new Map();
  return connection.odd.look(async (odd) => {
    const found = pointCollector(beforeOffset, odd);
    for (const series of await query(connection, pointsQuery(some), signal)) found.take(series);
    return found.inEffect();
  }, signal);
}

function pointsQuery(asked: readonly PointsAsked[]): Query {
  const parameters: QueryParameters = {};
  const statements = asked.map(({ meterIds, channels, from, to }) => {
    const names = [...new Set(channels.map(channelName))];
    const fields = names.flatMap((name) => [quoteIdentifier(name), quoteIdentifier(`${name}_q`)]).join(", ");
    const where = `WHERE ${anyOf("m", meterIds, parameters)} AND ${timeWithin(from, to)} GROUP BY k, m`;
    return `SELECT ${fields}, p FROM reading ${where}; SELECT * FROM late ${where}`;
  });
  return { text: statements.join("; "), parameters };
}

function pointCollector(beforeOffset: number, odd: TellOdd) {
  const lines = new Map<string, Map<string, Columns>>();
  const late = new Map<string, Map<string, Entry[]>>();

  return {
    take(series: RowSeries): void {
      const meterId = series.tags?.["m"] ?? "";
      const from = { meterId, beforeOffset, odd };
      if (series.name === "reading") takeLines(series, inner(lines, meterId), from);
      else takeCoded(series, inner(late, meterId), from);
    },
    inEffect(): PointsFound {
      for (const [meterId, channels] of late) {
        const meter = inner(lines, meterId);
        for (const [name, entries] of channels) meter.set(name, merged(meter.get(name) ?? emptyColumns(), entries));
      }
      return lines;
    },
  };
}

function inner<Value>(maps: Map<string, Map<string, Value>>, key: string): Map<string, Value> {
  let map = maps.get(key);
  if (map === undefined) {
    map = new Map();
    maps.set(key, map);
  }
  return map;
}

/** Whose points these are, of which frames, and whom to tell of those that cannot be understood. */
export interface PointsFrom {
  readonly meterId: string;
  readonly beforeOffset: number;
  readonly odd: TellOdd;
}

export function isWhole(cell: Cell | undefined): cell is number {
  return Number.isSafeInteger(cell);
}

function tellPoint({ meterId, odd }: PointsFrom, measurement: string, name: string, at: Cell | undefined): void {
  const detail = "its value, its code or its offset is no whole number, as all are that Meterbook writes";
  odd({ where: `${measurement} ${name} of ${meterId} at ${atSecond(at)}`, detail, meterId });
}

/** Points of `reading`: `time`, then a value and a code per channel, then `p`. */
function takeLines({ columns, values }: RowSeries, meter: Map<string, Columns>, from: PointsFrom): void {
  const offsetColumn = columns.indexOf("p");
  for (let column = 1; column < offsetColumn; column += 2) {
    const name = columns[column] as string;
    const taken = meter.get(name) ?? emptyColumns();
    for (const row of values) {
      const [value, code, offset] = [row[column], row[column + 1] ?? 0, row[offsetColumn]];
      if (value === null || (isWhole(offset) && offset >= from.beforeOffset)) continue;
      if (isWhole(value) && isWhole(code) && isWhole(offset)) pushReading(taken, row[0] as number, value, code);
      else tellPoint(from, "reading", name, row[0]);
    }
    if (taken.at.length > 0) meter.set(name, taken);
  }
}

/** Points of `late` and `channel`: values with the code in their name. */
export function takeCoded(
  { name: measurement, columns, values }: RowSeries,
  meter: Map<string, Entry[]>,
  from: PointsFrom,
): void {
  columns.forEach((columnName, column) => {
    const field = parseCodedName(columnName);
    if (field === undefined || field.isOffset) return;
    const offsetColumn = columns.indexOf(`${columnName}_p`);
    for (const row of values) {
      const [value, offset] = [row[column], row[offsetColumn]];
      if (value === null || value === undefined || (isWhole(offset) && offset >= from.beforeOffset)) continue;
      if (!isWhole(value) || !isWhole(offset)) {
        tellPoint(from, measurement, columnName, row[0]);
        continue;
      }
      const entries = meter.get(field.channel);
      const entry = { at: row[0] as number, value, code: field.code, offset };
      if (entries === undefined) meter.set(field.channel, [entry]);
      else entries.push(entry);
    }
  });
}

/** A value of `reading` was the first of its key, so among equals it stands. */
function merged({ at, value, code }: Columns, entries: readonly Entry[]): Columns {
  const best = new Map<number, Entry>();
  at.forEach((instant, i) => {
    best.set(instant, { at: instant, value: value[i] as number, code: code[i] as ReadingCode, offset: -1 });
  });
  for (const entry of entries) {
    const other = best.get(entry.at);
    if (other === undefined || isBefore(entry, other)) best.set(entry.at, entry);
  }
  const columns = emptyColumns();
  for (const { at: instant, value: v, code: c } of [...best.values()].sort((a, b) => a.at - b.at)) {
    pushReading(columns, instant, v, c);
  }
  return columns;
}

/** Of two of equal rank the one marked V12: it is the same reading, written again when another value came. */
export function isBefore(one: Entry, other: Entry): boolean {
  const ranks = readingRank(one.code) - readingRank(other.code);
  if (ranks !== 0) return ranks < 0;
  const [tells, othersTells] = [hasSecondValue(one.code), hasSecondValue(other.code)];
  return tells === othersTells ? one.offset < other.offset : tells;
}

/** In the order of `channels`; those without readings are left out. */
export function seriesOf(
  channels: readonly Channel[],
  found: ReadonlyMap<string, Columns> | undefined,
): ReadingSeries[] {
  const series: ReadingSeries[] = [];
  for (const { register, kind, unit, stepSeconds } of channels) {
    const channel = { register, kind, unit, stepSeconds };
    const columns = found?.get(channelName(channel));
    if (columns !== undefined) series.push({ channel, ...columns });
  }
  return series;
}
