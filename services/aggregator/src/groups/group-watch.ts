import { setTimeout as waitMs } from "node:timers/promises";
import type { LocalCalendar } from "@meterbook/core/domain/time/local-calendar";
import type { Clock } from "@meterbook/core/ports/clock";
import type { GroupSumsWriter } from "@meterbook/core/ports/group-sums";
import type { SeriesStore } from "@meterbook/core/ports/series-store";
import type { AggregatorEvents } from "../aggregator-events.ts";
import type { MeterState } from "../remember/meter-state.ts";
import { type Periodic, periodic } from "../watch/periodic.ts";
import type { ChangedDays } from "./changed-days.ts";
import { membersAt, sumDay } from "./sum-day.ts";

export interface SummedPartition {
  readonly partition: number;
  readonly writer: GroupSumsWriter;
  readonly changed: ChangedDays;
  readonly calendar: LocalCalendar;
  readonly series: Pick<SeriesStore, "readMany">;
  readonly clock: Clock;
  readonly events: Pick<AggregatorEvents, "groupsSummed" | "housekeepingFailed">;
  meters(): Iterable<MeterState>;
  readonly pace: SummingPace;
  /** How many readings were taken in: it grows while there is other work. */
  readings(): number;
  run<Answer>(task: () => Promise<Answer>): Promise<Answer>;
}

export interface SummingPace {
  readonly lookMs: number;
  /** A day that changes all the time is summed so often at most. */
  readonly betweenMs: number;
  /** A day that begins to change waits for more: what comes late comes for many meters. */
  readonly gatherMs: number;
}

export const usualSumming: SummingPace = { lookMs: 500, betweenMs: 10_000, gatherMs: 1000 };

/** While readings come, summing has a tenth of the time; and a day is not begun again for so long as it took. */
const restsPerWork = 9;
const restMsMax = 1000;

/** Keeps the sums of a partition's groups: makes those of changed days again, beside all other work. */
export function groupWatch(parts: SummedPartition): Pick<Periodic, "close"> {
  const { changed, clock, calendar, events, writer, partition } = parts;
  const { lookMs, betweenMs, gatherMs } = parts.pace;
  const closing = new AbortController();
  const notBefore = new Map<number, number>();
  let [readingsBefore, membersOf] = [-1, ""];
  const isClosed = () => closing.signal.aborted;

  async function pause(workedMs: number): Promise<boolean> {
    const readings = parts.readings();
    const isBusy = readings !== readingsBefore;
    readingsBefore = readings;
    if (isBusy && workedMs > 0) {
      const restMs = Math.min(restMsMax, workedMs * restsPerWork);
      await waitMs(restMs, undefined, { signal: closing.signal }).catch(() => undefined);
    }
    return !isClosed();
  }

  /** The newest of those that may be begun. */
  function nextDay(nowMs: number): number | undefined {
    let next: number | undefined;
    for (const [day, sinceMs] of changed.all()) {
      if (nowMs - sinceMs < gatherMs || nowMs < (notBefore.get(day) ?? 0)) continue;
      if (next === undefined || day > next) next = day;
    }
    return next;
  }

  async function sum(day: number, meters: readonly MeterState[]): Promise<void> {
    changed.take(day);
    const started = performance.now();
    try {
      await putMembers(meters);
      const sums = await sumDay({ ...parts, meters, pause }, day);
      if (sums === undefined) return changed.putBack(day);
      await writer.put(day, sums);
      await parts.run(() => changed.summed(day));
    } catch (error) {
      changed.putBack(day);
      throw error;
    }
    const seconds = (performance.now() - started) / 1000;
    notBefore.set(day, performance.now() + Math.max(betweenMs, seconds * 1000));
    events.groupsSummed({ partition, meters: meters.length, seconds, pending: changed.size });
  }

  async function putMembers(meters: readonly MeterState[]): Promise<void> {
    const now = clock.nowMs() / 1000;
    const key = `${meters.length} ${changed.regroupings} ${calendar.dayOf(now)}`;
    if (key === membersOf) return;
    await writer.members(await parts.run(async () => membersAt(meters, now)));
    membersOf = key;
  }

  async function look(): Promise<void> {
    changed.today();
    await parts.run(() => changed.note());
    let meters: readonly MeterState[] | undefined;
    while (!isClosed()) {
      const day = nextDay(performance.now());
      if (day === undefined) break;
      meters ??= [...parts.meters()];
      await sum(day, meters);
    }
    for (const [day, untilMs] of notBefore) if (untilMs < performance.now()) notBefore.delete(day);
  }

  const watch = periodic(lookMs, () =>
    look().catch((error: unknown) => {
      if (!isClosed()) events.housekeepingFailed({ error });
    }),
  );
  return {
    async close() {
      closing.abort();
      await watch.close();
    },
  };
}
