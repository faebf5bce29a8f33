import type { DatabaseSync } from "node:sqlite";
import type { ChannelWrite, MeterWrite } from "@meterbook/core/ports/series-store";
import type { daySealer } from "./day-sealer.ts";
import { joinBlocks, packBlock } from "./reading-block.ts";
import { dayOf, hotId } from "./series-database.ts";

/** Puts reports into the hot table, a block each. */
export function hotWrites(database: DatabaseSync, sealer: ReturnType<typeof daySealer>) {
  const insert = database.prepare("INSERT OR IGNORE INTO hot (id, data) VALUES (?, ?)");
  const select = database.prepare("SELECT data FROM hot WHERE id = ?");
  const update = database.prepare("UPDATE hot SET data = ? WHERE id = ?");

  function putBlock(meterNo: number, series: readonly ChannelWrite[]): void {
    let first = Number.POSITIVE_INFINITY;
    for (const { at } of series) first = Math.min(first, at[0] as number);
    const id = hotId(meterNo, first);
    const block = packBlock(series, id);
    sealer.wrote(dayOf(first));
    if (insert.run(id, block).changes === 1) return;
    // Another report began at the same second: sections may repeat, so the two blocks are simply joined.
    const there = select.get(id)?.["data"] as Uint8Array;
    update.run(joinBlocks(there, block, id), id);
  }

  return {
    put(writes: readonly MeterWrite[]): void {
      for (const { meterNo, series } of writes) {
        if (isOneDay(series)) putBlock(meterNo, series);
        else for (const part of byDay(series)) putBlock(meterNo, part);
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
