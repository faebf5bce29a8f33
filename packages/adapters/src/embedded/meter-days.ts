import type { DatabaseSync } from "node:sqlite";
import type { Columns } from "@meterbook/core/domain/reading";
import { ascending, packBlock, unpackBlock } from "./reading-block.ts";
import {
  firstHotId,
  hotMeterStride,
  hotOfDaySql,
  hotSlotStride,
  meterNoOfHotId,
  sealedId,
  slotsOfDay,
} from "./series-database.ts";

/** Moves hot blocks of a day into sealed ones, and rewrites single meter-days. Runs inside the caller's transaction. */
export interface MeterDays {
  /** Seals the meters `from .. from + count - 1` of a day; answers how many hot blocks went. */
  seal(day: number, from: number, count: number): number;
  /** Replaces a meter's whole day. */
  rewrite(meterNo: number, day: number, columns: ReadonlyMap<number, Columns>): void;
}

export function meterDays(database: DatabaseSync): MeterDays {
  const hot = database.prepare(hotOfDaySql);
  const dropHot = database.prepare("DELETE FROM hot WHERE id BETWEEN ? AND ?");
  const sealed = database.prepare("SELECT data FROM sealed WHERE id = ?");
  const putSealed = database.prepare(
    "INSERT INTO sealed (id, data) VALUES (?, ?) ON CONFLICT (id) DO UPDATE SET data = excluded.data",
  );

  function dropHotOf(day: number, from: number, count: number): void {
    const first = firstHotId(from, day);
    for (let slot = 0; slot < slotsOfDay; slot += 1) {
      const key = first + slot * hotSlotStride;
      dropHot.run(key, key + count * hotMeterStride - 1);
    }
  }

  function put(meterNo: number, day: number, columns: ReadonlyMap<number, Columns>): void {
    const sections = [...columns].map(([channelIndex, unordered]) => ({ channelIndex, ...ascending(unordered) }));
    putSealed.run(sealedId(meterNo, day), packBlock(sections));
  }

  return {
    seal(day, from, count) {
      const first = firstHotId(from, day);
      const byMeter = new Map<number, Map<number, Columns>>();
      let blocks = 0;
      for (const row of hot.iterate(first, first + slotsOfDay * hotSlotStride, count * hotMeterStride)) {
        const meterNo = meterNoOfHotId(row["id"] as number);
        let columns = byMeter.get(meterNo);
        if (columns === undefined) {
          columns = new Map();
          byMeter.set(meterNo, columns);
        }
        unpackBlock(row["data"] as Uint8Array, columns);
        blocks += 1;
      }
      if (blocks === 0) return 0;
      for (const [meterNo, columns] of byMeter) {
        const before = sealed.get(sealedId(meterNo, day));
        if (before !== undefined) unpackBlock(before["data"] as Uint8Array, columns);
        put(meterNo, day, columns);
      }
      dropHotOf(day, from, count);
      return blocks;
    },
    rewrite(meterNo, day, columns) {
      dropHotOf(day, meterNo, 1);
      put(meterNo, day, columns);
    },
  };
}
