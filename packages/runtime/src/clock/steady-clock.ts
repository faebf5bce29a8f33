import { uptime } from "node:os";
import type { Clock } from "@meterbook/core/ports/clock";

/** What is wrong with the host's clock now, in milliseconds; 0 and undefined where nothing is. */
export interface ClockState {
  /** It shows so much more than the time that has gone by; `nowMs` does not follow it. */
  readonly aheadMs: number;
  /** It went back by so much not long ago; `nowMs` has followed it. */
  readonly wentBackMs: number;
  /** Whose clock differs from ours, and by how much: above 0 where ours is ahead. */
  readonly differs: { readonly from: string; readonly byMs: number } | undefined;
  /** It is in doubt since the start, because the log or meters say that it is earlier. */
  readonly doubt: Doubt | undefined;
}

/**
 * Who says so. At the first start nothing tells the time (`no time`). What meters report then may be old (`old
 * readings`), or the host is ahead. Neither holds the clock.
 */
export type Doubt = "log" | "meters" | "no time" | "old readings";

/**
 * The host's clock, as long as it advances as fast as real time. A jump ahead by more than a tolerance is not followed,
 * nor a clock that is ahead of a server's by more than that: months end by the clock, and one that is issued too soon
 * stands for ever. A jump back is followed, and told.
 */
export interface SteadyClock extends Clock {
  /** Looks at what else tells the time; called every second or so. */
  look(): ClockState;
  /** What a server's clock showed between `askedAtMs` of this host's clock and now. */
  compare(server: { readonly name: string; readonly atMs: number; readonly askedAtMs: number }): void;
  /** Goes on from this time as time goes by, until the clock is believed or shows the same. */
  hold(atMs: number, doubt: Doubt): void;
  /** The clock is right. */
  believe(): void;
  /** Nothing else has told the time yet. Not where a server has. */
  doubtFirst(doubt: "no time" | "old readings"): void;
}

export interface SteadyClockOptions {
  readonly toleranceMs: number;
  readonly wallMs?: () => number;
  /** Grows as time goes by, whatever the wall clock does; it may stand while the machine sleeps. */
  readonly steadyMs?: () => number;
  /** The same, and goes on while the machine sleeps. */
  readonly uptimeMs?: () => number;
}

/** So long a jump back is told. */
const wentBackToldMs = 10 * 60_000;
/** What `uptimeMs` and `steadyMs` differ by without a sleep. */
const sleepMsMin = 1000;

export function steadyClock(options: SteadyClockOptions): SteadyClock {
  const { toleranceMs, wallMs = Date.now, steadyMs = () => performance.now() } = options;
  const { uptimeMs = () => uptime() * 1000 } = options;
  /** Wall clock less steady time, as it was when they were last at one. */
  let offsetMs = wallMs() - steadyMs();
  let sleptMs = uptimeMs() - steadyMs();
  let wentBack = { byMs: 0, atMs: 0 };
  const servers = new Map<string, number>();
  let doubt: Doubt | undefined;
  let isCompared = false;
  const isFirst = () => doubt === "no time" || doubt === "old readings";

  function nowMs(): number {
    const wall = wallMs();
    const ahead = wall - (steadyMs() + offsetMs);
    if (ahead > toleranceMs) return wall - ahead;
    if (ahead < -toleranceMs) wentBack = { byMs: -ahead, atMs: steadyMs() };
    offsetMs += ahead;
    return wall;
  }

  /** The machine slept: time went by. */
  function countSleep(): void {
    const more = uptimeMs() - steadyMs() - sleptMs;
    if (more < sleepMsMin) return;
    sleptMs += more;
    offsetMs += more;
  }

  function greatestDifference(): ClockState["differs"] {
    const [first] = [...servers].sort(([, a], [, b]) => Math.abs(b) - Math.abs(a));
    return first === undefined ? undefined : { from: first[0], byMs: first[1] };
  }

  return {
    nowMs,
    look() {
      countSleep();
      const aheadMs = wallMs() - nowMs();
      if (aheadMs === 0 && !isFirst()) doubt = undefined;
      const isRecent = wentBack.byMs > 0 && steadyMs() - wentBack.atMs < wentBackToldMs;
      return { aheadMs, wentBackMs: isRecent ? wentBack.byMs : 0, differs: greatestDifference(), doubt };
    },
    hold(atMs, because) {
      offsetMs = atMs - steadyMs();
      doubt = because;
    },
    believe() {
      offsetMs = wallMs() - steadyMs();
      doubt = undefined;
    },
    doubtFirst(because) {
      if (!isCompared) doubt = because;
    },
    compare({ name, atMs, askedAtMs }) {
      const wall = wallMs();
      isCompared = true;
      if (isFirst()) doubt = undefined;
      // The question was on its way for a while, and the answer tells whole seconds.
      const aheadMs = Math.max(0, askedAtMs - atMs - 1000);
      const behindMs = Math.max(0, atMs - wall);
      servers.delete(name);
      if (aheadMs > toleranceMs) {
        servers.set(name, aheadMs);
        offsetMs = Math.min(offsetMs, atMs - steadyMs());
      } else if (behindMs > toleranceMs) servers.set(name, -behindMs);
      // Two that agree are right, whatever we thought.
      else if (servers.size === 0) offsetMs = wall - steadyMs();
    },
  };
}
