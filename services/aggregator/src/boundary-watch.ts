import { localCalendar } from "@meterbook/core/domain/local-calendar";
import type { Clock } from "@meterbook/core/ports/clock";
import type { SeriesStore } from "@meterbook/core/ports/series-store";
import type { AggregatorEvents } from "./aggregator-events.ts";
import type { MeterBook } from "./meter-book.ts";
import type { MeterState } from "./meter-state.ts";
import type { PendingMeters } from "./pending-meters.ts";

/**
 * Sees the hours at which snapshots become due without any reading: one hour after each boundary (provisional) and at
 * the start of the 4th local day (final), per zone. All meters of the zone are then marked, in one transaction with
 * the note of how far this went, so that neither a crash nor a long stop leaves a period out.
 */
export function boundaryWatch(series: SeriesStore, clock: Clock, events: AggregatorEvents) {
  const sweptThrough = new Map<string, number>();
  let lookAgainAtMs = 0;
  let zonesSeen = 0;

  async function swept(zone: string): Promise<number> {
    const known = sweptThrough.get(zone) ?? (await series.note(`swept:${zone}`)) ?? 0;
    sweptThrough.set(zone, known);
    return known;
  }

  async function sweep(
    zone: string,
    meters: readonly MeterState[],
    pending: PendingMeters,
    now: number,
  ): Promise<void> {
    const stage = lastStage(zone, now);
    const before = await swept(zone);
    if (stage <= before) return;
    // In a zone that was never swept, whatever is due and not issued is issued now.
    const fromPeriod = before === 0 ? 0 : firstPeriodAfter(zone, before);
    await series.markPending(
      meters.map(({ meterId }) => ({ meterId, fromPeriod })),
      { name: `swept:${zone}`, value: stage },
    );
    sweptThrough.set(zone, stage);
    for (const meter of meters) pending.mark(meter, fromPeriod);
    pending.takeMarked();
    events.boundaryPassed({ zone, meters: meters.length });
  }

  return {
    /** Cheap to call often: looks again when the next hour begins, or when there are more meters than before. */
    async look(book: MeterBook, pending: PendingMeters): Promise<void> {
      const nowMs = clock.nowMs();
      if (nowMs < lookAgainAtMs && book.size === zonesSeen) return;
      lookAgainAtMs = (Math.floor(nowMs / 60_000) + 1) * 60_000;
      if (book.size === 0) return;
      zonesSeen = book.size;
      const byZone = Map.groupBy(book.all(), (meter) => meter.calendar.zone);
      for (const [zone, meters] of byZone) {
        const now = nowMs / 1000;
        if (lastStage(zone, now) > (await swept(zone))) {
          meters.sort((a, b) => (a.meterId < b.meterId ? -1 : 1));
          await sweep(zone, meters, pending, now);
        }
      }
    },
  };
}

/** The newest provisional or final hour that has come. */
function lastStage(zone: string, now: number): number {
  const calendar = localCalendar(zone);
  const current = calendar.periodOf(now);
  let newest = 0;
  for (let period = current - 2; period < current; period += 1) {
    for (const at of [calendar.provisionalFrom(period), calendar.finalFrom(period)]) {
      if (at <= now) newest = Math.max(newest, at);
    }
  }
  return newest;
}

/** After a stop of months, all periods since then are due. */
function firstPeriodAfter(zone: string, swept: number): number {
  return localCalendar(zone).periodOf(swept) - 1;
}
