import { setImmediate as nextTurn } from "node:timers/promises";
import { addMeterDay, addOverlappingDay } from "@meterbook/core/domain/group/add-meter-day";
import { type DayEdges, dayEdges, emptyRegisterDay, type RegisterDay } from "@meterbook/core/domain/group/day-sums";
import { type GroupPoint, groupCurve, storedResolution } from "@meterbook/core/domain/group/sum-curve";
import type { BaseUnit, ReadingSeries } from "@meterbook/core/domain/reading/reading";
import { lowerBound } from "@meterbook/core/domain/reading/reading";
import { installationsOf } from "@meterbook/core/domain/registry/installations";
import type { MeterRecord } from "@meterbook/core/domain/registry/meter-record";
import type { LocalCalendar } from "@meterbook/core/domain/time/local-calendar";
import { localCalendar } from "@meterbook/core/domain/time/local-calendar";
import type { StoredMeter } from "@meterbook/core/ports/series-store";
import type { ApiContext } from "../api-context.ts";
import { daysOf, type GroupRange, ifDamaged } from "./group-query.ts";

interface Listed {
  readonly meterId: string;
  readonly stored: StoredMeter | undefined;
  readonly record: MeterRecord | undefined;
  /** Where it was named by a usage point: only while it was there. */
  readonly usagePointIds: ReadonlySet<string> | undefined;
}

export interface SummedList {
  readonly unit: BaseUnit;
  readonly meters: number;
  /** Those that were summed, and the usage points by which some of them were named. */
  readonly meterIds: readonly string[];
  readonly usagePointIds: readonly string[];
  readonly unknown: readonly string[];
  readonly points: readonly GroupPoint[];
}

/** Meters whose month is in memory at a time. */
const metersPerTurn = 20;

export async function sumList(
  context: ApiContext,
  ids: readonly string[],
  register: string,
  range: GroupRange,
): Promise<SummedList> {
  const calendar = localCalendar(context.timeZone);
  const { listed, unknown } = await findListed(context, ids);
  const sums = daySums(register, daysOf(range, context.timeZone), calendar);
  for (let from = 0; from < listed.length; from += metersPerTurn) {
    await addListed(context, listed.slice(from, from + metersPerTurn), sums, calendar);
    await nextTurn();
  }
  const resolution = storedResolution(range.resolution);
  const unit = sums.unit ?? "Wh";
  const parts = [...sums.days].flatMap(([day, { of }]) => {
    const found = of.get(unit);
    return found === undefined ? [] : [{ day, expected: found.expected, steps: found.steps[resolution] }];
  });
  const points = groupCurve(parts, range.resolution, range, calendar);
  const meterIds = listed.map(({ meterId }) => meterId);
  const usagePointIds = [...new Set(listed.flatMap(({ usagePointIds: own }) => [...(own ?? [])]))];
  return { unit, meters: listed.length, meterIds, usagePointIds, unknown, points };
}

interface DaySums {
  readonly register: string;
  readonly days: ReadonlyMap<number, { readonly edges: DayEdges; readonly of: Map<BaseUnit, RegisterDay> }>;
  unit: BaseUnit | undefined;
}

function daySums(register: string, { from, to }: { from: number; to: number }, calendar: LocalCalendar): DaySums {
  const days = new Map<number, { edges: DayEdges; of: Map<BaseUnit, RegisterDay> }>();
  for (let day = from; day <= to; day = calendar.addDays(day, 1))
    days.set(day, { edges: dayEdges(calendar, day), of: new Map() });
  return { register, days, unit: undefined };
}

async function findListed({ ports }: ApiContext, ids: readonly string[]) {
  const listed = new Map<string, Listed>();
  const unknown: string[] = [];
  for (const [index, id] of [...new Set(ids)].entries()) {
    if (index % metersPerTurn === 0) await nextTurn();
    const [record, stored] = await Promise.all([ports.registry.get(id).catch(ifDamaged), ports.series.meter(id)]);
    if (record !== undefined || stored !== undefined) {
      listed.set(id, { meterId: id, record, stored, usagePointIds: undefined });
      continue;
    }
    const there = await ports.registry.metersAt(id).catch(ifDamaged);
    if (there === undefined || there.length === 0) unknown.push(id);
    for (const one of there ?? []) {
      const before = listed.get(one.meterId);
      if (before !== undefined && before.usagePointIds === undefined) continue;
      const usagePointIds = new Set([...(before?.usagePointIds ?? []), id]);
      const of = await ports.series.meter(one.meterId);
      listed.set(one.meterId, { meterId: one.meterId, record: one, stored: of, usagePointIds });
    }
  }
  return { listed: [...listed.values()], unknown };
}

/** Month by month: where intervals overlap, the choice among them is the month's. */
async function addListed(
  { ports }: ApiContext,
  some: readonly Listed[],
  sums: DaySums,
  calendar: LocalCalendar,
): Promise<void> {
  const months = Map.groupBy(sums.days.keys(), (day) => calendar.periodOf(day));
  for (const [period, days] of months) {
    const [start, end] = [calendar.startOf(period), calendar.boundaryOf(period)];
    const ids = some.map(({ meterId }) => meterId);
    const all = await ports.series.readMany(ids, { from: start, to: end });
    for (const [index, meter] of some.entries()) {
      const series = (all[index] ?? []).filter(({ channel }) => channel.register === sums.register);
      for (const day of days) addDay(meter, { start, series }, day, sums);
    }
  }
}

function addDay(
  meter: Listed,
  month: { readonly start: number; readonly series: readonly ReadingSeries[] },
  day: number,
  sums: DaySums,
): void {
  const own = sums.days.get(day);
  if (own === undefined || !isThere(meter, day, own.edges.end)) return;
  const { edges, of } = own;
  const isWanted = ({ register }: { readonly register: string }) => register === sums.register;
  const summed = {
    channels: (meter.stored?.channels ?? []).filter(isWanted),
    record: meter.record === undefined ? undefined : { registers: meter.record.registers.filter(isWanted) },
  };
  const into = (register: string, unit: BaseUnit) => {
    sums.unit ??= unit;
    const found = of.get(unit) ?? emptyRegisterDay(register, unit, edges);
    of.set(unit, found);
    return [found];
  };
  const series = month.series.map((one) => within(one, day, edges.end));
  if (addMeterDay(summed, series, edges, into) === "overlaps") addOverlappingDay(summed, month, edges, into);
}

function isThere({ usagePointIds, record, stored }: Listed, day: number, end: number): boolean {
  const first = Math.min(...(stored?.channels ?? []).map((channel) => channel.first.at - channel.stepSeconds));
  const places = record === undefined ? [] : installationsOf(record);
  const installed = places.some(
    (one) =>
      (usagePointIds?.has(one.usagePointId) ?? true) &&
      (one.installed?.at ?? Number.NEGATIVE_INFINITY) < end &&
      day < (one.removed?.at ?? Number.POSITIVE_INFINITY),
  );
  if (record !== undefined && !installed) return false;
  return Math.min(first, places[0]?.installed?.at ?? Number.POSITIVE_INFINITY) < end;
}

function within(series: ReadingSeries, from: number, to: number): ReadingSeries {
  const [first, last] = [lowerBound(series, from), lowerBound(series, to + 1)];
  const cut = (column: readonly number[]) => column.slice(first, last);
  return { channel: series.channel, at: cut(series.at), value: cut(series.value), code: cut(series.code) };
}
