import type { DatabaseSync } from "node:sqlite";
import type { ChannelWrite, MeterWrite } from "@meterbook/core/ports/series-store";
import { bytesOf } from "../../readings-log/readings-log-database.ts";
import { dayOf, hotId, spareHotIds } from "../series-database.ts";
import type { daySealer } from "./day-sealer.ts";
import { isSoundBlock, joinBlocks, packBlock } from "./reading-block.ts";

/** Puts reports into the hot table, a block each. */
export function hotWrites(database: DatabaseSync, sealer: ReturnType<typeof daySealer>) {
  const insert = database.prepare("INSERT OR IGNORE INTO hot (id, readings, data) VALUES (?, ?, ?)");
  const select = database.prepare("SELECT data FROM hot WHERE id = ?");
  const update = database.prepare("UPDATE hot SET readings = readings + ?, data = ? WHERE id = ?");

  /** Answers its day. */
  function putBlock(meterNo: number, series: readonly ChannelWrite[], dayNoted: number): number {
    let first = Number.POSITIVE_INFINITY;
    let readings = 0;
    for (const { at } of series) {
      first = Math.min(first, at[0] as number);
      readings += at.length;
    }
    const id = hotId(meterNo, first);
    const block = packBlock(series, id);
    const day = dayOf(first);
    if (day !== dayNoted) sealer.wrote(day);
    if (insert.run(id, readings, block).changes === 1) return day;
    // Another report began at the same second: sections may repeat, so the two blocks are simply joined.
    const there = bytesOf(select.get(id)?.["data"]);
    if (isSoundBlock(there, id)) update.run(readings, joinBlocks(there, block, id), id);
    else putBeside(id, series, readings);
    return day;
  }

  /**
   * A damaged block stays as it is until it is rebuilt. A reading for its second goes into the same slot and is as
   * durable.
   */
  function putBeside(damaged: number, series: readonly ChannelWrite[], readings: number): void {
    for (const id of spareHotIds(damaged)) {
      const block = packBlock(series, id);
      if (insert.run(id, readings, block).changes === 1) return;
      const there = bytesOf(select.get(id)?.["data"]);
      if (isSoundBlock(there, id)) return void update.run(readings, joinBlocks(there, block, id), id);
    }
    throw new Error("a slot holds nothing but damaged blocks");
  }

  return {
    put(writes: readonly Omit<MeterWrite, "position">[]): void {
      // Reports that follow each other are mostly of one day.
      let day = -1;
      for (const { meterNo, series } of writes) {
        if (isOneDay(series)) day = putBlock(meterNo, series, day);
        else for (const part of byDay(series)) day = putBlock(meterNo, part, day);
      }
    },
  };
}

function isOneDay(series: readonly ChannelWrite[]): boolean {
  const day = dayOf(series[0]?.at[0] as number);
  return series.every(({ at }) => dayOf(at[0] as number) === day && dayOf(at[at.length - 1] as number) === day);
}

/** A block never reaches over midnight UTC, so that a day is sealed without its neighbours. */
export function byDay(series: readonly ChannelWrite[]): ChannelWrite[][] {
  const days = new Map<number, ChannelWrite[]>();
  for (const { channelIndex, at, value, code } of series) {
    let from = 0;
    while (from < at.length) {
      const day = dayOf(at[from] as number);
      let to = from + 1;
      while (to < at.length && dayOf(at[to] as number) === day) to += 1;
      const part = { channelIndex, at: at.slice(from, to), value: value.slice(from, to), code: code.slice(from, to) };
      const parts = days.get(day);
      if (parts === undefined) days.set(day, [part]);
      else parts.push(part);
      from = to;
    }
  }
  return [...days.values()];
}
