import type { DatabaseSync } from "node:sqlite";
import { setImmediate as nextTurn } from "node:timers/promises";
import { AdapterError } from "@meterbook/core/ports/adapter-error";
import type { FleetReader, MeterIdsPage } from "@meterbook/core/ports/series-store";
import { idBounds } from "../../sqlite-views/fleet/merged-ids.ts";
import { newestConflicts } from "./conflict-table.ts";
import { dayReads } from "./days/day-reads.ts";
import type { MeterTable } from "./meter-table.ts";
import type { TellSeriesRow } from "./series-damage.ts";
import { dayOfSealedId, sealedRange } from "./series-database.ts";

/** Some milliseconds of work; then others get their turn. */
const metersPerTurn = 100;

/** What one shard says of all its meters: their ids by the index of the table that has them, and their newest days. */
export function fleetReads(database: DatabaseSync, meters: MeterTable, tell: TellSeriesRow): FleetReader {
  // Where a row is damaged its copy may still name the meter.
  const ids = database.prepare(
    `SELECT meter_id FROM meter WHERE meter_id >= ?1 AND meter_id < ?2
     UNION SELECT meter_id FROM meter_copy WHERE meter_id >= ?1 AND meter_id < ?2 ORDER BY 1 LIMIT ?3`,
  );
  const newest = newestReads(database);
  const conflicts = newestConflicts(database, meters, tell);

  function meterIds({ afterMeterId, prefix, limit }: MeterIdsPage): string[] {
    const found: string[] = [];
    for (let after = afterMeterId; found.length < limit; ) {
      const wanted = limit - found.length;
      const { from, before } = idBounds(after, prefix);
      const rows = ids.all(from, before, wanted).map((row) => String(row["meter_id"]));
      found.push(...rows.filter((id) => meters.find(id)?.meterId === id));
      if (rows.length < wanted) break;
      after = rows.at(-1) as string;
    }
    return found;
  }

  return {
    meterIds: async (page) => meterIds(page),
    conflicts: async (page) => (await conflicts(page)).map((conflict) => ({ conflict, place: [conflict.id] })),
    async newestOf(meterIds) {
      const found: (number | null | undefined)[] = [];
      const hotDays = newest.hotDays();
      for (const [index, meterId] of meterIds.entries()) {
        if (index % metersPerTurn === metersPerTurn - 1) await nextTurn();
        const meter = meters.find(meterId);
        found.push(meter === undefined ? undefined : newest.of(meter.no, hotDays));
      }
      return found;
    },
  };
}

function newestReads(database: DatabaseSync) {
  const days = dayReads(database);
  const sealed = database.prepare("SELECT id FROM sealed WHERE id BETWEEN ? AND ? ORDER BY id DESC LIMIT 1");

  function newestIn(no: number, day: number): number | undefined {
    let found: number | undefined;
    for (const { at } of days.day(no, day).values()) found = Math.max(found ?? 0, at.at(-1) ?? 0);
    return found;
  }

  return {
    /** Descending. */
    hotDays: () => days.hotDays().toReversed(),
    /** Null where a block of its newest day is damaged. */
    of(no: number, hotDays: readonly number[]): number | null | undefined {
      const id = sealed.get(...sealedRange(no))?.["id"];
      const sealedDay = id === undefined ? undefined : dayOfSealedId(Number(id));
      try {
        for (const day of hotDays) {
          if (sealedDay !== undefined && day <= sealedDay) break;
          const at = newestIn(no, day);
          if (at !== undefined) return at;
        }
        return sealedDay === undefined ? undefined : newestIn(no, sealedDay);
      } catch (error) {
        if (error instanceof AdapterError && error.code === "store_damaged") return null;
        throw error;
      }
    },
  };
}
