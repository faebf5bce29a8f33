import { localCalendar } from "@meterbook/core/domain/time/local-calendar";
import type { Clock, TimeWitnesses } from "@meterbook/core/ports/clock";
import type { LogFrame } from "@meterbook/core/ports/readings-log";
import { firstOf, newestAtOf } from "../remember/channel-state.ts";
import { appendTime } from "./append-time.ts";
import type { PartitionMemory } from "./partition-memory.ts";

/** Whose clock is believed writes a barrier of about the time at which it is appended. Not a setting. */
export const believedMsMax = 86_400_000;

export interface MonthsTime extends Clock {
  /** As in append-time.ts. */
  appendMs(): number;
}

/**
 * The time by which months end. Where nothing has ever confirmed the host's clock, it may be ahead (H16): then a month
 * has ended when readings have come that are dated at its end or later, and no month as long as there are none.
 *
 * @param newestAt of the store's readings, in seconds
 */
export function monthsTime(
  memory: PartitionMemory,
  clock: Clock,
  witnesses: TimeWitnesses | undefined,
  newestAt: number,
): MonthsTime {
  if (memory.believed.isThere) witnesses?.knownBefore(Math.max(memory.time.ms, newestAt * 1000));
  else witnesses?.firstStart();
  return {
    nowMs() {
      if (witnesses?.isTimeUnknown !== true) return clock.nowMs();
      if (!memory.believed.isThere) {
        // A barrier of about now says that somebody believed the clock (pass-barrier.ts).
        const doubtedMs = clock.nowMs() - believedMsMax - 1;
        return Math.min(doubtedMs, endedBy(witnesses.saidMs, memory.knownMeters.zones));
      }
      // The log was read on meanwhile.
      witnesses.knownBefore(memory.time.ms);
      return clock.nowMs();
    },
    appendMs: appendTime(clock, witnesses),
  };
}

/** Both hours of the last month that has ended in all zones have come, and none of the next. */
function endedBy(saidMs: number, zones: Iterable<string>): number {
  if (saidMs === 0) return 0;
  let endedMs = Number.POSITIVE_INFINITY;
  for (const zone of zones) {
    const calendar = localCalendar(zone);
    const finalAt = calendar.finalFrom(calendar.periodOf(saidMs / 1000) - 1);
    endedMs = Math.min(endedMs, Math.max(saidMs, finalAt * 1000));
  }
  return Number.isFinite(endedMs) ? endedMs : saidMs;
}

/** Enough, and little beside the work on a frame. */
const askedPerFrameMax = 100;

/** The newest readings of whoever reports now say what time it is at least. What was estimated may lie ahead. */
export function askReadings(
  witnesses: TimeWitnesses | undefined,
  { knownMeters, believed }: Pick<PartitionMemory, "knownMeters" | "believed">,
  frames: readonly LogFrame[],
): void {
  if (witnesses?.isAsking !== true) return;
  for (const { reports } of frames) {
    for (const { meterId, origin } of reports.slice(-askedPerFrameMax)) {
      if (origin === "estimator") continue;
      for (const state of knownMeters.find(meterId)?.channels ?? []) {
        const newestMs = newestAtOf(state) * 1000;
        witnesses.reading(meterId, newestMs, newestMs - firstOf(state).at * 1000);
      }
    }
  }
  const nowMs = witnesses.hostMs();
  witnesses.judge(knownMeters.numbered, nowMs - (believed.logBeganMs ?? nowMs));
}
