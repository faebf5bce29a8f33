import { localCalendar } from "@meterbook/core/domain/local-calendar";
import type { Clock } from "@meterbook/core/ports/clock";
import type { AggregatorEvents } from "./aggregator-events.ts";
import type { LowWater } from "./low-water.ts";
import type { MeterBook } from "./meter-book.ts";
import type { MeterState } from "./meter-state.ts";
import type { PendingMeters } from "./pending-meters.ts";

/**
 * Sees the hours at which snapshots become due without any reading: one hour after each boundary (provisional) and at
 * the start of the 4th local day (final), per zone. All meters of the zone are then marked; how far this went is noted
 * when the last of them is issued, so that neither a crash nor a long stop leaves a period out.
 */
export function boundaryWatch(water: LowWater, clock: Clock, events: AggregatorEvents) {
  const sweptThrough = new Map<string, number>();
  /** Hours that have come and are not swept yet, by zone. */
  const passed = new Map<string, number>();
  let lookAgainAtMs = 0;
  let zonesSeen = 0;

  function swept(zone: string): number {
    return sweptThrough.get(zone) ?? water.notes[`swept:${zone}`] ?? 0;
  }

  function sweepZone(zone: string, stage: number, meters: MeterState[], pending: PendingMeters): void {
    const before = swept(zone);
    // In a zone that was never swept, whatever is due and not issued is issued now.
    const fromPeriod = before === 0 ? 0 : firstPeriodAfter(zone, before);
    meters.sort((a, b) => (a.meterId < b.meterId ? -1 : 1));
    for (const meter of meters) pending.mark(meter, fromPeriod);
    sweptThrough.set(zone, stage);
    water.noted(`swept:${zone}`, stage, pending.nextTicket);
    events.boundaryPassed({ zone, meters: meters.length });
  }

  return {
    /**
     * Whether an hour has come since the last call. Cheap to call often, however many meters there are: looks again when the
     * next minute begins, or when there is a zone more.
     */
    hasPassed({ zones }: MeterBook): boolean {
      const nowMs = clock.nowMs();
      if (nowMs < lookAgainAtMs && zones.size === zonesSeen) return false;
      lookAgainAtMs = (Math.floor(nowMs / 60_000) + 1) * 60_000;
      zonesSeen = zones.size;
      const found = [...zones].flatMap((zone) => {
        const stage = lastStage(zone, nowMs / 1000);
        return stage > Math.max(swept(zone), passed.get(zone) ?? 0) ? [[zone, stage] as const] : [];
      });
      for (const [zone, stage] of found) passed.set(zone, stage);
      return found.length > 0;
    },
    /** Marks the meters of the zones in which an hour has come. */
    sweep(book: MeterBook, pending: PendingMeters): void {
      for (const [zone, stage] of passed) {
        const meters = [...book.all()].filter(({ calendar }) => calendar.zone === zone);
        if (meters.length > 0) sweepZone(zone, stage, meters, pending);
        else sweptThrough.set(zone, stage);
      }
      passed.clear();
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
