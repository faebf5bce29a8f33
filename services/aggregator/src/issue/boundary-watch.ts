import { localCalendar } from "@meterbook/core/domain/time/local-calendar";
import type { AggregatorEvents } from "../aggregator-events.ts";
import type { KnownMeters } from "../remember/known-meters.ts";
import type { MeterState } from "../remember/meter-state.ts";
import type { IssuedUpTo } from "./issued-up-to.ts";
import type { PendingMeters } from "./pending-meters.ts";

export type BoundaryWatch = ReturnType<typeof boundaryWatch>;

/**
 * The hours at which snapshots become due without any reading, per zone: one hour after each boundary (provisional) and
 * at the start of the 4th local day (final). When log time has passed one, all meters of the zone are marked. How far
 * this went is noted when the last of them is issued, so that neither a crash nor a long stop leaves a period out.
 */
export function boundaryWatch(issuedUpTo: IssuedUpTo, events: AggregatorEvents) {
  const sweptThrough = new Map<string, number>();
  let lookAgainAtMs = 0;
  let zonesSeen = 0;
  let isDue = false;

  function swept(zone: string): number {
    return sweptThrough.get(zone) ?? issuedUpTo.notes[`swept:${zone}`] ?? 0;
  }

  function sweepZone(zone: string, stage: number, meters: MeterState[], pending: PendingMeters): void {
    const before = swept(zone);
    // In a zone that was never swept, whatever is due and not issued is issued now. Meters whose history is still
    // coming are waited for.
    if (before === 0) pending.markAll(meters, 0, "those that gather");
    else pending.markAll(meters, firstPeriodAfter(zone, before));
    sweptThrough.set(zone, stage);
    issuedUpTo.noted(`swept:${zone}`, stage, pending.nextQueueNumber);
    if (meters.length > 0) events.boundaryPassed({ zone, meters: meters.length });
  }

  return {
    /**
     * Whether an hour has come by a clock that log time has not passed yet. Cheap to ask often, however many meters
     * there are: looks again when the next minute begins, or when there is another zone.
     */
    isDueAt({ zones }: KnownMeters, nowMs: number): boolean {
      if (nowMs < lookAgainAtMs && zones.size === zonesSeen && !isDue) return false;
      lookAgainAtMs = (Math.floor(nowMs / 60_000) + 1) * 60_000;
      zonesSeen = zones.size;
      isDue = [...zones].some((zone) => lastStage(zone, nowMs / 1000) > swept(zone));
      return isDue;
    },
    /** Marks the meters of the zones in which log time has passed an hour. */
    sweep(knownMeters: KnownMeters, pending: PendingMeters, timeMs: number): void {
      for (const zone of knownMeters.zones) {
        const stage = lastStage(zone, timeMs / 1000);
        if (stage <= swept(zone)) continue;
        const meters = [...knownMeters.all()].filter(({ calendar }) => calendar.zone === zone);
        // Also where the zone has no meters yet: whoever takes over must know that it was swept.
        sweepZone(zone, stage, meters, pending);
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
