import type { DatabaseSync } from "node:sqlite";
import type { Columns } from "@meterbook/core/domain/reading/reading";
import { AdapterError } from "@meterbook/core/ports/adapter-error";
import { bytesOf } from "../../readings-log/readings-log-database.ts";
import {
  dayOfSealedId,
  daySeconds,
  dayWithin,
  firstHotId,
  hotDayFactor,
  hotMeterStride,
  hotOfDaySql,
  hotSlotStride,
  meterNoOfHotId,
  meterNoOfSealedId,
  sealedId,
  sealedOfManySql,
  slotsOfDay,
} from "../series-database.ts";
import { blockDamage, blockPlace } from "./damaged-blocks.ts";
import { ascending, epoch, MalformedBlock, unpackBlock } from "./reading-block.ts";

export interface DayReads {
  /** All readings of a meter from `from` to `to` (and some around them), per channel index, in any order. */
  range(meterNo: number, from: number, to: number, wanted?: ReadonlySet<number>): Map<number, Columns>;
  /** The same of many meters at once, by their numbers: a question for each costs more than the answers. */
  ranges(meterNos: ReadonlySet<number>, from: number, to: number): Map<number, Map<number, Columns>>;
  /** One UTC day, ascending. */
  day(meterNo: number, day: number): Map<number, Columns>;
  /** The days that have hot blocks of any meter, ascending. */
  hotDays(): readonly number[];
}

export function dayReads(database: DatabaseSync): DayReads {
  const sealed = database.prepare("SELECT id, data FROM sealed WHERE id BETWEEN ? AND ?");
  const sealedOfMany = database.prepare(sealedOfManySql);
  const hot = database.prepare(hotOfDaySql);
  // Not the view of hot days, which walks over all of them. The division is SQLite's: a damaged id may be no number of
  // ours.
  const hotFrom = database.prepare(`SELECT id / ${hotDayFactor} AS day FROM hot WHERE id >= ? ORDER BY id LIMIT 1`);

  /** The first day from this one on that has hot blocks of any meter. */
  function nextHotDay(from: number): number {
    return Number(hotFrom.get(firstHotId(0, from))?.["day"] ?? Number.POSITIVE_INFINITY);
  }

  /** A month that would use a damaged block is held back: it is not made from the rest as if nothing were missing. */
  function unpack(
    meterNo: number,
    day: number,
    row: Record<string, unknown>,
    into: Map<number, Columns>,
    wanted?: ReadonlySet<number>,
  ): void {
    const [id, data] = [Number(row["id"]), bytesOf(row["data"])];
    try {
      unpackBlock(data, id, into, wanted);
    } catch (cause) {
      if (!(cause instanceof MalformedBlock)) throw cause;
      const meterId = meterIdOf(database, meterNo);
      const damage = blockDamage(meterId, blockPlace(meterId, day, data), cause.message);
      const detail = `${damage.detail} (GET /v1/damage has it as ${damage.id})`;
      throw new AdapterError("store_damaged", { retryable: false, cause, detail, damage });
    }
  }

  function range(meterNo: number, from: number, to: number, wanted?: ReadonlySet<number>): Map<number, Columns> {
    const columns = new Map<number, Columns>();
    const [first, last] = [dayWithin(from), dayWithin(to)];
    for (const row of sealed.iterate(sealedId(meterNo, first), sealedId(meterNo, last))) {
      unpack(meterNo, dayOfSealedId(Number(row["id"])), row, columns, wanted);
    }
    for (let day = nextHotDay(first); day <= last; day = nextHotDay(day + 1)) {
      const key = firstHotId(meterNo, day);
      const rows = hot.iterate(key, key + slotsOfDay * hotSlotStride, hotMeterStride);
      for (const row of rows) unpack(meterNo, day, row, columns, wanted);
    }
    return columns;
  }

  function ranges(meterNos: ReadonlySet<number>, from: number, to: number): Map<number, Map<number, Columns>> {
    const byMeter = new Map<number, Map<number, Columns>>();
    function take(meterNo: number, day: number, row: Record<string, unknown>): void {
      const columns = byMeter.get(meterNo) ?? new Map<number, Columns>();
      byMeter.set(meterNo, columns);
      unpack(meterNo, day, row, columns);
    }
    const [first, last] = [dayWithin(from), dayWithin(to)];
    const numbers = [...meterNos].sort((a, b) => a - b);
    for (const row of sealedOfMany.iterate(JSON.stringify(numbers), first, last)) {
      const id = Number(row["id"]);
      take(meterNoOfSealedId(id), dayOfSealedId(id), row);
    }
    for (let day = nextHotDay(first); day <= last; day = nextHotDay(day + 1))
      for (const [least, most] of closeTogether(numbers)) {
        const [key, width] = [firstHotId(least, day), (most - least + 1) * hotMeterStride];
        for (const row of hot.iterate(key, key + slotsOfDay * hotSlotStride, width)) {
          const meterNo = meterNoOfHotId(Number(row["id"]));
          if (meterNos.has(meterNo)) take(meterNo, day, row);
        }
      }
    return byMeter;
  }

  return {
    range,
    ranges,
    hotDays() {
      const found: number[] = [];
      for (let day = nextHotDay(0); day !== Number.POSITIVE_INFINITY; day = nextHotDay(day + 1)) found.push(day);
      return found;
    },
    day(meterNo, day) {
      const at = epoch + day * daySeconds;
      const columns = range(meterNo, at, at);
      for (const [index, unordered] of columns) columns.set(index, ascending(unordered));
      return columns;
    },
  };
}

/** To pass over so many blocks of other meters in a slot costs less than to seek. */
const strangersMax = 8;

/** Ascending numbers as ranges, with few others in them. */
function* closeTogether(numbers: readonly number[]): Generator<readonly [least: number, most: number]> {
  for (let from = 0; from < numbers.length; ) {
    let to = from + 1;
    while (to < numbers.length && (numbers[to] as number) - (numbers[to - 1] as number) <= strangersMax) to += 1;
    yield [numbers[from] as number, numbers[to - 1] as number];
    from = to;
  }
}

function meterIdOf(database: DatabaseSync, meterNo: number): string {
  const row = database.prepare("SELECT meter_id FROM meter WHERE no = ?").get(meterNo);
  return row === undefined ? `number ${meterNo}` : String(row["meter_id"]);
}
