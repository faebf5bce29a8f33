import type { TimeWitnesses } from "@meterbook/core/ports/clock";
import type { SteadyClock } from "./steady-clock.ts";

export interface TimeWitnessesOptions {
  readonly clock: SteadyClock;
  /** So much later than what is known of the time the clock may be without anybody's word. */
  readonly leapMs: number;
  readonly wallMs?: () => number;
}

/** One meter's clock may be wrong. Where there are fewer meters, all of them are asked. */
const metersMin = 3;
/** Of more, those that are heard of first: their newest readings count. */
const metersMax = 10_000;

/**
 * A process that starts on a log whose time is long ago was stopped for long, or its host's clock is wrong: the log
 * looks the same. Readings tell, because they are dated by other clocks than the host's. Once the clock is believed it
 * is watched by itself (steady-clock.ts).
 */
export function timeWitnesses({ clock, leapMs, wallMs = Date.now }: TimeWitnessesOptions): TimeWitnesses {
  const newest = new Map<string, number>();
  let knownMs = 0;
  let isAsking = false;

  function believe(): void {
    clock.believe();
    isAsking = false;
    newest.clear();
  }

  return {
    get isAsking() {
      if (isAsking && clock.look().doubt === undefined) isAsking = false;
      return isAsking;
    },
    knownBefore(ms) {
      // Nothing is known of a log that has no time yet.
      if (ms <= knownMs) return;
      const isFirst = knownMs === 0;
      knownMs = ms;
      if (!isFirst && !isAsking) return;
      isAsking = wallMs() - knownMs > leapMs;
      if (isAsking) clock.hold(knownMs, "log");
      else if (!isFirst) believe();
    },
    reading(meterId, atMs) {
      const before = newest.get(meterId);
      if (before === undefined && newest.size >= metersMax) return;
      if (before === undefined || before < atMs) newest.set(meterId, atMs);
    },
    judge(meters) {
      if (newest.size === 0 || newest.size < Math.min(metersMin, meters)) return;
      const sorted = [...newest.values()].sort((a, b) => a - b);
      const median = sorted[(sorted.length - 1) >> 1] as number;
      if (wallMs() - median <= leapMs) believe();
      else clock.hold(Math.max(clock.nowMs(), median), "meters");
    },
    closed(atMs) {
      if (isAsking && wallMs() - atMs <= leapMs) believe();
    },
  };
}
