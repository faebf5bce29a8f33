import { regroupedFrom } from "@meterbook/core/domain/group/group-members";
import type { ReadingSeries } from "@meterbook/core/domain/reading/reading";
import { installationsOf } from "@meterbook/core/domain/registry/installations";
import type { RegisteredMeter } from "@meterbook/core/domain/registry/registered-meter";
import type { LocalCalendar } from "@meterbook/core/domain/time/local-calendar";
import type { DayRange, GroupSumsWriter } from "@meterbook/core/ports/group-sums";
import { firstOf } from "../remember/channel-state.ts";
import type { MeterState } from "../remember/meter-state.ts";

/** Told of what a batch is about to store. */
export interface MarkedDays {
  /** Readings of a report. Told of every report, so it does next to nothing for a day it knows of. */
  mark(series: readonly ReadingSeries[]): void;
  /** A meter is expected from this instant on, which it was not before. */
  began(at: number): void;
}

/** What has changed since the sums of a partition's groups were made: local days of the default zone. */
export interface ChangedDays extends MarkedDays {
  /** A day has begun, by the host's clock: what is expected of it is known, though nothing may come. */
  today(): void;
  /** Other master data of a meter count. */
  regrouped(meter: MeterState, before: RegisteredMeter | undefined): void;
  /** Resolves when what was told survives a crash: to be awaited before it is stored. */
  note(): Promise<void>;
  /** How many wait. */
  readonly size: number;
  /** All of them, each with when it began to wait. */
  all(): Iterable<readonly [day: number, sinceMs: number]>;
  /** It is being summed: what is told from now on makes it wait again. */
  take(day: number): void;
  /** The sums of a day that was taken are kept. */
  summed(day: number): Promise<void>;
  /** It could not be summed. */
  putBack(day: number): void;
  /** Counts whenever it may be known otherwise who is in which group. */
  readonly regroupings: number;
}

/** Days longer ago than these are not made again at once when all is made anew: three years. */
const daysMax = 1100;

interface Noting {
  readonly writer: Pick<GroupSumsWriter, "changed" | "summed">;
  readonly calendar: LocalCalendar;
  /** That never jumps, for how long days wait. */
  readonly steadyMs: () => number;
}

export interface ChangedDaysOptions extends Noting {
  /** Of the host: until when days are to be summed. */
  readonly nowMs: () => number;
  /** The newest reading that the store has; 0 where there is none. */
  readonly newestAt: number;
}

/** @param pending what an owner before has left */
export function changedDays(options: ChangedDaysOptions, pending: readonly DayRange[]): ChangedDays {
  const { calendar, nowMs, newestAt } = options;
  const days = waitingDays(options, pending);
  let regroupings = 0;
  let newestDay = calendar.dayOf(newestAt === 0 ? nowMs() / 1000 : newestAt);
  const since = (at: number) => days.addRange({ from: calendar.dayOf(at), to: nowMs() / 1000 });
  return {
    ...days,
    get size() {
      return days.size;
    },
    mark(series) {
      for (const { at } of series) {
        for (let i = 0; i < at.length; i += 1) days.addInstant(at[i] as number);
      }
    },
    began: since,
    today() {
      const day = calendar.dayOf(nowMs() / 1000);
      if (day === newestDay) return;
      days.addRange({ from: newestDay, to: day });
      newestDay = day;
    },
    regrouped(meter, before) {
      const from = regroupedFrom(before, meter.record);
      if (from === undefined) return;
      regroupings += 1;
      const first = countsFrom(meter);
      if (first !== undefined) since(Math.max(from, first));
    },
    get regroupings() {
      return regroupings;
    },
  };
}

function waitingDays({ writer, calendar, steadyMs }: Noting, pending: readonly DayRange[]) {
  const waiting = new Map<number, number>();
  /** Days that are known to be pending by whoever comes after a crash. */
  const noted = new Set<number>();
  const taken = new Set<number>();
  let fresh: number[] = [];
  const known = knownInstants(calendar);

  function add(day: number): void {
    if (!waiting.has(day)) waiting.set(day, steadyMs());
    if (noted.has(day)) return;
    noted.add(day);
    fresh.push(day);
  }

  function addRange({ from, to }: DayRange): void {
    let day = calendar.dayOf(to);
    for (let count = 0; day >= from && count < daysMax; count += 1) {
      add(day);
      day = calendar.dayOf(day - 1);
    }
  }

  for (const range of pending) addRange(range);
  fresh = [];
  return {
    addRange,
    /** A reading at midnight ends one day and begins another. */
    addInstant(at: number): void {
      if (known.has(at)) return;
      const day = known.learn(at);
      add(day);
      if (at === day) add(calendar.dayOf(at - 1));
    },
    async note(): Promise<void> {
      if (fresh.length === 0) return;
      const days = fresh;
      fresh = [];
      try {
        await writer.changed(rangesOf(days, calendar));
      } catch (error) {
        for (const day of days) noted.delete(day);
        known.forget();
        throw error;
      }
    },
    get size() {
      return waiting.size + taken.size;
    },
    all: () => waiting.entries(),
    take(day: number): void {
      waiting.delete(day);
      taken.add(day);
      known.forget();
    },
    async summed(day: number): Promise<void> {
      taken.delete(day);
      await writer.summed(rangesOf([...new Set([...waiting.keys(), ...taken])], calendar));
      if (!waiting.has(day)) noted.delete(day);
    },
    putBack(day: number): void {
      taken.delete(day);
      if (!waiting.has(day)) waiting.set(day, steadyMs());
      // Said again, because its sums may be refused for want of that (`GroupSumsWriter.changed`).
      noted.delete(day);
      add(day);
      known.forget();
    },
  };
}

/** Instants whose days wait already: a calendar takes longer than all else that is done for a reading here. */
function knownInstants(calendar: LocalCalendar) {
  let [from, to] = [0, 0];
  const days = new Map<number, readonly [from: number, to: number]>();
  return {
    has(at: number): boolean {
      if (at > from && at < to) return true;
      const day = days.get(instantKey(at));
      if (day !== undefined) [from, to] = day;
      return day !== undefined;
    },
    /** Answers the day. */
    learn(at: number): number {
      const day = calendar.dayOf(at);
      [from, to] = [day, calendar.addDays(day, 1)];
      if (days.size >= knownDaysMax) days.clear();
      days.set(instantKey(at), [from, to]);
      return day;
    },
    forget(): void {
      [from, to] = [0, 0];
      days.clear();
    },
  };
}

/** A hundred days of quarter hours. */
const knownDaysMax = 10_000;
const quarterHour = 900;

/** The same for instants of one day only: midnight is never within a quarter hour, but on its edge, which is apart. */
function instantKey(at: number): number {
  const rest = at % quarterHour;
  return rest === 0 ? at : at - rest + 1;
}

/** Since when a meter is expected to count: its first reading, or its installation. */
export function countsFrom({ channels, record }: MeterState): number | undefined {
  let first = Number.POSITIVE_INFINITY;
  for (const state of channels) first = Math.min(first, firstOf(state).at - state.channel.stepSeconds);
  const installed = record === undefined ? undefined : installationsOf(record)[0]?.installed?.at;
  if (installed !== undefined) first = Math.min(first, installed);
  return first === Number.POSITIVE_INFINITY ? undefined : first;
}

function rangesOf(days: readonly number[], calendar: LocalCalendar): DayRange[] {
  const ranges: { from: number; to: number }[] = [];
  for (const day of [...days].sort((a, b) => a - b)) {
    const last = ranges.at(-1);
    if (last !== undefined && calendar.addDays(last.to, 1) >= day) last.to = day;
    else ranges.push({ from: day, to: day });
  }
  return ranges;
}
