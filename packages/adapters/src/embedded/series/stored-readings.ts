import type { FoundDamage } from "@meterbook/core/domain/damage/damage";
import type { Columns, Reading } from "@meterbook/core/domain/reading/reading";
import { lowerBound, readingAt } from "@meterbook/core/domain/reading/reading";
import { AdapterError } from "@meterbook/core/ports/adapter-error";
import type { ChannelWrite, Lookup, MeterWrite } from "@meterbook/core/ports/series-store";
import type { DayReads } from "./days/day-reads.ts";
import { byDay, type hotWrites } from "./days/hot-writes.ts";
import type { MeterDays } from "./days/meter-days.ts";
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

/** Readings out of order: into a block of their own, or in place of those that are stored. */
export function lateWrites({ days, hot, rewrites, met }: LateWriteParts) {
  function put(meterNo: number, part: readonly ChannelWrite[]): void {
    const day = dayOf(part[0]?.at[0] as number);
    const stored = soundDay(days, meterNo, day, met);
    if (part.some((write) => holdsAny(stored.get(write.channelIndex), write))) {
      for (const write of part) merge(stored, write);
      rewrites.rewrite(meterNo, day, stored);
    } else hot.put([{ meterNo, series: part }]);
  }

  return {
    put(writes: readonly MeterWrite[]): void {
      for (const { meterNo, series } of writes) for (const part of byDay(series)) put(meterNo, part);
    },
  };
}

export interface LateWriteParts {
  readonly days: DayReads;
  readonly hot: ReturnType<typeof hotWrites>;
  readonly rewrites: MeterDays;
  readonly met: (damage: FoundDamage) => void;
}

function holdsAny(stored: Columns | undefined, { at }: ChannelWrite): boolean {
  return stored !== undefined && at.some((instant) => stored.at[lowerBound(stored, instant)] === instant);
}

function merge(day: Map<number, Columns>, { channelIndex, at, value, code }: ChannelWrite): void {
  const stored = day.get(channelIndex) ?? { at: [], value: [], code: [] };
  day.set(channelIndex, stored);
  at.forEach((instant, i) => {
    const index = lowerBound(stored, instant);
    const isThere = stored.at[index] === instant ? 1 : 0;
    stored.at.splice(index, isThere, instant);
    stored.value.splice(index, isThere, value[i] as number);
    stored.code.splice(index, isThere, code[i] as number);
  });
}
