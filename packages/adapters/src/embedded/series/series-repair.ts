import type { DatabaseSync } from "node:sqlite";
import type { Columns } from "@meterbook/core/domain/reading/reading";
import { channelKey } from "@meterbook/core/domain/reading/reading";
import type { DamagedSpan, SeriesRepair, StoredMeter } from "@meterbook/core/ports/series-store";
import { inTransaction } from "../../sqlite-views/file/in-transaction.ts";
import { storeWriteError } from "../database/append-error.ts";
import { bytesOf } from "../readings-log/readings-log-database.ts";
import { blockPlace } from "./days/damaged-blocks.ts";
import type { daySealer } from "./days/day-sealer.ts";
import { meterDays } from "./days/meter-days.ts";
import { epoch, isSoundBlock, unpackBlock, unpackDamaged } from "./days/reading-block.ts";
import { seriesOf } from "./embedded-series-reader.ts";
import { meterTable } from "./meter-table.ts";
import type { TellSeriesRow } from "./series-damage.ts";
import {
  dayOf,
  dayOfSealedId,
  daySeconds,
  firstHotId,
  hotMeterStride,
  hotOfDaySql,
  hotSlotStride,
  sealedRange,
  slotsOfDay,
} from "./series-database.ts";

interface Block {
  readonly id: number;
  readonly data: Uint8Array;
  /** As it was counted beside the block. */
  readonly readings: number;
  readonly sound: boolean;
}

/** Mends single meter-days of `series.db`. What was damaged is kept in the table `set_aside`, by its place. */
export function seriesRepair(
  database: DatabaseSync,
  sealer: ReturnType<typeof daySealer>,
  tell: TellSeriesRow,
): SeriesRepair {
  const meterOf = meterTable(database, tell).find;
  const keep = database.prepare("INSERT OR IGNORE INTO set_aside (place, day, data, lost) VALUES (?, ?, ?, ?)");
  const kept = database.prepare("SELECT day, lost FROM set_aside WHERE place = ?");
  const days = meterDays(database);
  const blocksOf = meterBlocks(database);

  function rebuild(
    meter: StoredMeter,
    span: DamagedSpan,
    { series, lost }: Parameters<SeriesRepair["rebuild"]>[2],
  ): void {
    const day = dayOf(span.from);
    const indexes = new Map(meter.channels.map((channel) => [channelKey(channel), channel.index]));
    const columns = new Map<number, Columns>();
    for (const { channel, at, value, code } of series) {
      const index = indexes.get(channelKey(channel));
      if (index !== undefined) columns.set(index, { at, value, code });
    }
    const damaged = (blocksOf(meter.no).get(day) ?? []).filter(({ sound }) => !sound);
    damaged.forEach(({ data }, number) => {
      // Of all of them together, so it is counted with the first.
      keep.run(blockPlace(meter.meterId, day, data), day, data, number === 0 ? lost : 0);
    });
    days.rewrite(meter.no, day, columns);
    sealer.wrote(day);
  }

  return {
    async damaged(meterId) {
      const meter = meterOf(meterId);
      if (meter === undefined) return [];
      const found = [...blocksOf(meter.no)].filter(([, blocks]) => blocks.some(({ sound }) => !sound));
      return found.sort(([a], [b]) => a - b).map(([day, blocks]) => spanOf(meter, day, blocks));
    },
    async rebuild(meterId, span, by) {
      const meter = meterOf(meterId);
      if (meter === undefined) return;
      try {
        inTransaction(database, () => rebuild(meter, span, by));
      } catch (cause) {
        sealer.forget();
        throw storeWriteError(cause, database.location());
      }
    },
    async rebuilt(place) {
      const row = kept.get(place);
      if (row === undefined) return undefined;
      return { lost: Number(row["lost"]), from: epoch + Number(row["day"]) * daySeconds };
    },
  };
}

/** All blocks of a meter, by day. */
function meterBlocks(database: DatabaseSync): (meterNo: number) => Map<number, Block[]> {
  const sealed = database.prepare("SELECT id, readings, data FROM sealed WHERE id BETWEEN ? AND ?");
  const hot = database.prepare(hotOfDaySql);
  const hotDays = database.prepare("SELECT day FROM hot_day");
  return (meterNo) => {
    const blocks = new Map<number, Block[]>();
    const add = (day: number, row: Record<string, unknown>) => {
      const [id, data] = [Number(row["id"]), bytesOf(row["data"])];
      const block = { id, data, readings: Number(row["readings"]), sound: isSoundBlock(data, id) };
      const others = blocks.get(day);
      if (others === undefined) blocks.set(day, [block]);
      else others.push(block);
    };
    for (const row of sealed.iterate(...sealedRange(meterNo))) add(dayOfSealedId(Number(row["id"])), row);
    for (const { day } of hotDays.all()) {
      const first = firstHotId(meterNo, Number(day));
      for (const row of hot.iterate(first, first + slotsOfDay * hotSlotStride, hotMeterStride)) add(Number(day), row);
    }
    return blocks;
  };
}

function spanOf(meter: StoredMeter, day: number, blocks: readonly Block[]): DamagedSpan {
  const columns = new Map<number, Columns>();
  for (const { id, data, sound } of blocks) if (sound) unpackBlock(data, id, columns);
  const damaged = blocks.filter(({ sound }) => !sound);
  const from = epoch + day * daySeconds;
  const to = from + daySeconds - 1;
  return {
    places: damaged.map(({ data }) => blockPlace(meter.meterId, day, data)),
    from,
    to,
    readings: readingsOf(columns, damaged),
    sound: seriesOf(meter.channels, columns, from, to),
  };
}

/**
 * Readings that came again after the damage stand twice. They count once if the damaged block still tells which
 * readings it held.
 */
function readingsOf(sound: ReadonlyMap<number, Columns>, damaged: readonly Block[]): number {
  const keys = new Set<string>();
  const add = (columns: ReadonlyMap<number, Columns>) => {
    for (const [index, { at }] of columns) for (const instant of at) keys.add(`${index} ${instant}`);
  };
  add(sound);
  let untold = 0;
  for (const { data, readings } of damaged) {
    const seeming = unpackDamaged(data);
    const count = [...(seeming?.values() ?? [])].reduce((sum, { at }) => sum + at.length, 0);
    if (seeming !== undefined && count === readings) add(seeming);
    else untold += readings;
  }
  return keys.size + untold;
}
