import type { DatabaseSync } from "node:sqlite";
import type { Columns } from "@meterbook/core/domain/reading/reading";
import { bytesOf } from "../../readings-log/readings-log-database.ts";
import {
  firstHotId,
  hotMeterStride,
  hotOfDaySql,
  hotSlotStride,
  meterNoOfHotId,
  sealedId,
  slotsOfDay,
} from "../series-database.ts";
import { ascending, MalformedBlock, packBlock, unpackBlock } from "./reading-block.ts";

/** Moves hot blocks of a day into sealed ones, and rewrites single meter-days. Runs inside the caller's transaction. */
export interface MeterDays {
  /** Seals the meters `from .. from + count - 1` of a day; a damaged meter-day stays as it is. */
  seal(day: number, from: number, count: number): void;
  /** Replaces a meter's whole day. */
  rewrite(meterNo: number, day: number, columns: ReadonlyMap<number, Columns>): void;
}

export function meterDays(database: DatabaseSync): MeterDays {
  const hot = database.prepare(hotOfDaySql);
  const dropHot = database.prepare("DELETE FROM hot WHERE id BETWEEN ? AND ?");
  const sealed = database.prepare("SELECT data FROM sealed WHERE id = ?");
  const putSealed = database.prepare(
    "INSERT INTO sealed (id, readings, data) VALUES (?, ?, ?) ON CONFLICT (id) DO UPDATE SET readings = excluded.readings, data = excluded.data",
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
    const id = sealedId(meterNo, day);
    const readings = sections.reduce((sum, { at }) => sum + at.length, 0);
    putSealed.run(id, readings, packBlock(sections, id));
  }

  function hotOf(day: number, from: number, count: number) {
    const first = firstHotId(from, day);
    const byMeter = new Map<number, Map<number, Columns>>();
    const damaged = new Set<number>();
    for (const row of hot.iterate(first, first + slotsOfDay * hotSlotStride, count * hotMeterStride)) {
      const meterNo = meterNoOfHotId(row["id"] as number);
      let columns = byMeter.get(meterNo);
      if (columns === undefined) {
        columns = new Map();
        byMeter.set(meterNo, columns);
      }
      if (!unpacked(row["data"], row["id"] as number, columns)) damaged.add(meterNo);
    }
    return { byMeter, damaged };
  }

  return {
    seal(day, from, count) {
      const { byMeter, damaged } = hotOf(day, from, count);
      for (const [meterNo, columns] of byMeter) {
        const before = sealed.get(sealedId(meterNo, day));
        if (before !== undefined && !unpacked(before["data"], sealedId(meterNo, day), columns)) damaged.add(meterNo);
        if (!damaged.has(meterNo)) put(meterNo, day, columns);
      }
      const whole = [...byMeter.keys()].filter((meterNo) => !damaged.has(meterNo));
      if (whole.length < byMeter.size) for (const meterNo of whole) dropHotOf(day, meterNo, 1);
      else if (whole.length > 0) dropHotOf(day, from, count);
    },
    rewrite(meterNo, day, columns) {
      dropHotOf(day, meterNo, 1);
      put(meterNo, day, columns);
    },
  };
}

/** Whether it could be. */
function unpacked(data: unknown, id: number, into: Map<number, Columns>): boolean {
  try {
    unpackBlock(bytesOf(data), id, into);
    return true;
  } catch (error) {
    if (error instanceof MalformedBlock) return false;
    throw error;
  }
}
