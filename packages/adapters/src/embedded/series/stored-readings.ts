import type { FoundDamage } from "@meterbook/core/domain/damage/damage";
import type { Reading } from "@meterbook/core/domain/reading/reading";
import { lowerBound, readingAt } from "@meterbook/core/domain/reading/reading";
import { AdapterError } from "@meterbook/core/ports/adapter-error";
import type { Lookup, MeterWrite } from "@meterbook/core/ports/series-store";
import { byDay } from "./days/hot-writes.ts";
import type { MeterDays } from "./days/meter-days.ts";
import type { DayReads } from "./embedded-series-reader.ts";
import { dayOf } from "./series-database.ts";

/** Looks up key by key; meter-days are unpacked once for all lookups that fall into them. */
export function findAll(
  days: DayReads,
  lookups: readonly Lookup[],
  met: (damage: FoundDamage) => void,
): (Reading | undefined)[] {
  const unpacked = new Map<string, ReturnType<DayReads["day"]>>();
  return lookups.map(({ meterNo, channelIndex, at }) => {
    const key = `${meterNo}/${dayOf(at)}`;
    let day = unpacked.get(key);
    if (day === undefined) {
      day = soundDay(days, meterNo, dayOf(at), met);
      unpacked.set(key, day);
    }
    const columns = day.get(channelIndex);
    if (columns === undefined) return undefined;
    const index = lowerBound(columns, at);
    return columns.at[index] === at ? readingAt(columns, index) : undefined;
  });
}

/** A damaged day answers nothing: what comes for it is kept beside it, and reads of it go on to be refused. */
function soundDay(
  days: DayReads,
  meterNo: number,
  day: number,
  met: (damage: FoundDamage) => void,
): ReturnType<DayReads["day"]> {
  try {
    return days.day(meterNo, day);
  } catch (error) {
    if (!(error instanceof AdapterError && error.code === "store_damaged")) throw error;
    if (error.damage !== undefined) met(error.damage);
    return new Map();
  }
}

export function replaceIn(days: DayReads, rewrites: MeterDays, { meterNo, series }: MeterWrite): void {
  for (const part of byDay(series)) {
    const day = dayOf(part[0]?.at[0] as number);
    const columns = days.day(meterNo, day);
    for (const { channelIndex, at, value, code } of part) {
      const stored = columns.get(channelIndex);
      if (stored === undefined) throw new Error("only stored readings can be replaced");
      at.forEach((instant, i) => {
        const index = lowerBound(stored, instant);
        if (stored.at[index] !== instant) throw new Error("only stored readings can be replaced");
        stored.value[index] = value[i] as number;
        stored.code[index] = code[i] as number;
      });
    }
    rewrites.rewrite(meterNo, day, columns);
  }
}
