import type { TimeWitnesses } from "@meterbook/core/ports/clock";
import type { Doubt, SteadyClock } from "./steady-clock.ts";

export interface TimeWitnessesOptions {
  readonly clock: SteadyClock;
  /** So much later than what is known of the time the clock may be without anybody's word. */
  readonly leapMs: number;
  readonly wallMs?: () => number;
}

/** One meter's clock may be wrong. Where there are fewer meters, all of them are asked. */
const metersMin = 3;
/** Of more, those that were heard of last: their newest readings count. */
const metersMax = 1000;
/**
 * Who sends readings of so much more time than has gone by since the log was begun sends a history. How old that is
 * says nothing of the clock. A report of a meter that is read as time goes by holds a day or two.
 */
const historyMsMin = 3 * 86_400_000;

/**
 * A process that starts on a log whose time is long ago was stopped for long, or its host's clock is wrong: the log
 * looks the same. Readings tell, because they are dated by other clocks than the host's. At the very first start the
 * log has no time to go on from, so the clock is not held. Once it is believed it is watched by itself
 * (steady-clock.ts).
 */
export function timeWitnesses({ clock, leapMs, wallMs = Date.now }: TimeWitnessesOptions): TimeWitnesses {
  const heard = new Map<string, { readonly newestMs: number; readonly spanMs: number }>();
  let knownMs = 0;
  let isAsking = false;
  let saidMs = 0;

  function believe(): void {
    clock.believe();
    isAsking = false;
    heard.clear();
  }

  function doubt(): Doubt | undefined {
    const now = isAsking ? clock.look().doubt : undefined;
    if (now === undefined) isAsking = false;
    return now;
  }

  function isTimeUnknown(): boolean {
    const now = doubt();
    return now === "no time" || now === "old readings";
  }

  return {
    get isAsking() {
      return doubt() !== undefined;
    },
    get isTimeUnknown() {
      return isTimeUnknown();
    },
    get saidMs() {
      return saidMs;
    },
    hostMs: wallMs,
    firstStart() {
      // Another partition may know.
      if (knownMs > 0 || isAsking) return;
      isAsking = true;
      clock.doubtFirst("no time");
    },
    knownBefore(ms) {
      // Nothing is known of a log that has no time yet.
      if (ms <= knownMs) return;
      const isFirst = knownMs === 0 && !isTimeUnknown();
      knownMs = ms;
      if (!isFirst && !isAsking) return;
      isAsking = wallMs() - knownMs > leapMs;
      if (isAsking) clock.hold(knownMs, "log");
      else if (!isFirst) believe();
    },
    reading(meterId, atMs, spanMs) {
      const before = heard.get(meterId) ?? { newestMs: atMs, spanMs };
      heard.delete(meterId);
      heard.set(meterId, { newestMs: Math.max(atMs, before.newestMs), spanMs: Math.max(spanMs, before.spanMs) });
      const [oldest] = heard.size > metersMax ? heard.keys() : [];
      if (oldest !== undefined) heard.delete(oldest);
    },
    judge(meters, logAgeMs) {
      if (heard.size === 0 || heard.size < Math.min(metersMin, meters)) return;
      const median = medianOf([...heard.values()].map(({ newestMs }) => newestMs));
      if (wallMs() - median <= leapMs) believe();
      else if (isTimeUnknown()) {
        const span = medianOf([...heard.values()].map(({ spanMs }) => spanMs));
        if (span - logAgeMs > historyMsMin) return believe();
        saidMs = Math.max(saidMs, median);
        clock.doubtFirst("old readings");
      } else clock.hold(Math.max(clock.nowMs(), median), "meters");
    },
    closed(atMs) {
      if (isAsking && wallMs() - atMs <= leapMs) believe();
    },
  };
}

/** The lower one of two. */
function medianOf(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[(values.length - 1) >> 1] ?? 0;
}
