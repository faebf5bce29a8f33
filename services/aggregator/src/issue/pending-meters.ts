import type { Channel } from "@meterbook/core/domain/reading/reading";
import { valuationRules } from "@meterbook/core/domain/valuation/valuation-rules";
import type { LogFrame } from "@meterbook/core/ports/readings-log";
import type { Barrier } from "@meterbook/sharding/barrier";
import { lastPeriodDue } from "../evaluate/evaluate-meter.ts";
import type { MeterState } from "../remember/meter-state.ts";
import { firstPeriodOf } from "../remember/meter-state.ts";
import { orderedQueue } from "./ordered-queue.ts";
import { sweptMeters } from "./swept-meters.ts";

/** The record of the log that made a meter wait. */
export type ChangedBy = Pick<LogFrame, "offset" | "appendedAtMs">;

/**
 * Which meters wait to be recomputed. Which of them a barrier issues is a function of the log: those that are ready,
 * and those that no record since `quietBefore` has changed.
 */
export interface PendingMeters {
  readonly size: number;
  /**
   * The first period that a reading can change; `decidesFrom` is the instant from which on it decides boundaries, 0 or
   * `unordered` (channel-state.ts).
   */
  affectedFrom(meter: MeterState, channel: Channel, at: number, decidesFrom: number): number | undefined;
  /**
   * A report of the meter came, in the order of the log, that changes months from `affects` on. Even if it changes
   * none, a waiting meter is then not quiet: what memory knows of a meter varies, and quiet must not depend on it.
   */
  reported(meter: MeterState, affects: number | undefined, by: ChangedBy): void;
  /** Marks from a period on, ready for the next barrier; a meter that is gathering readings goes on doing so. */
  mark(meter: MeterState, fromPeriod: number): void;
  /** The same for many, which are issued in parts; also those that gather readings, or `but` those. */
  markAll(meters: readonly MeterState[], fromPeriod: number, but?: "those that gather"): void;
  /** The same, but to be recomputed once the meter has been quiet: more of what changes it may be on the way. */
  gather(meter: MeterState, fromPeriod: number, by: ChangedBy): void;
  /** The number that the next meter to become pending takes. */
  readonly nextQueueNumber: number;
  /** The least number that is out; `nextQueueNumber` where none is. */
  readonly oldestQueueNumber: number;
  /** Those that a barrier issues. */
  due(barrier: Pick<Barrier, "quietBefore" | "readyThrough">): MeterState[];
  /** What a barrier that is written now is to name; undefined where it would issue nothing. */
  nextDue(nowMs: number): Pick<Barrier, "quietBefore" | "readyThrough"> | undefined;
  done(meters: readonly MeterState[]): void;
  /** Memory has begun anew: what waited waits on, as its meters. */
  moveTo(meet: (meterId: string) => MeterState): void;
}

/** A meter that never falls quiet is issued after so many settle times. */
const waitFactorMax = 10;
/** No record is there yet: all that wait. */
export const everything = Number.MAX_SAFE_INTEGER;

/**
 * Looking for what is due costs as much as is due, however many wait.
 *
 * @param timeMs log time
 * @param appendMs now, by the clock by which the log appends
 */
export function pendingMeters(settleSeconds: number, timeMs: () => number, appendMs: () => number): PendingMeters {
  // Those that need not wait.
  let ready = orderedQueue<MeterState>();
  const swept = sweptMeters();
  // The others in order of the last change, so that the quietest stands first.
  let gathering = orderedQueue<MeterState>();
  // The same in order of the first change, so that who has waited longest stands first.
  let waiting = orderedQueue<MeterState>();
  // All, in order of their numbers, which is that in which they became pending.
  let inOrder = orderedQueue<MeterState>();
  let nextQueueNumber = 1;
  const arrivals = arrivalTimes(appendMs);

  function pend(meter: MeterState, fromPeriod: number): "new" | "known" {
    const known = meter.pendingFrom;
    meter.pendingFrom = known === undefined ? fromPeriod : Math.min(known, fromPeriod);
    if (known !== undefined) return "known";
    meter.queueNumber = nextQueueNumber;
    nextQueueNumber += 1;
    inOrder.add(meter);
    return "new";
  }

  function gather(meter: MeterState, fromPeriod: number, { offset, appendedAtMs }: ChangedBy): void {
    if (pend(meter, fromPeriod) === "new") {
      meter.pendingSinceMs = arrivals.at(appendedAtMs);
      waiting.add(meter);
      gathering.add(meter);
    } else if (!gathering.moveToEnd(meter)) return;
    meter.changedBy = offset;
    meter.changedAtMs = arrivals.at(appendedAtMs);
  }

  return {
    get size() {
      return inOrder.size;
    },
    mark: (meter, fromPeriod) => void (pend(meter, fromPeriod) === "new" && ready.add(meter)),
    markAll(meters, fromPeriod, but) {
      const isSwept = (meter: MeterState) =>
        pend(meter, fromPeriod) === "new" || (but === undefined && gathering.delete(meter));
      const found = meters.filter(isSwept);
      for (const meter of found) waiting.delete(meter);
      swept.add(found);
    },
    gather,
    affectedFrom: affectedAsOf(timeMs),
    reported: (meter, affects = meter.pendingFrom, by) => void (affects !== undefined && gather(meter, affects, by)),
    get nextQueueNumber() {
      return nextQueueNumber;
    },
    get oldestQueueNumber() {
      return firstOf(inOrder)?.queueNumber ?? nextQueueNumber;
    },
    due: ({ quietBefore, readyThrough }) => [
      ...ready,
      ...swept.through(readyThrough),
      ...quietIn(gathering, quietBefore),
    ],
    nextDue(nowMs) {
      if (arrivals.wentBack(nowMs)) notLaterThan(gathering, nowMs);
      const quietBefore = quietSince(gathering, waiting, nowMs, settleSeconds * 1000);
      if (quietBefore === 0 && ready.size === 0 && swept.size === 0) return undefined;
      return { quietBefore, readyThrough: swept.part(sweptPerBarrierMax) };
    },
    done(meters) {
      for (const meter of meters) {
        ready.delete(meter);
        swept.delete(meter);
        gathering.delete(meter);
        waiting.delete(meter);
        inOrder.delete(meter);
        meter.pendingFrom = undefined;
        meter.cause = undefined;
      }
    },
    moveTo(meet) {
      swept.moveTo((meter) => movedTo(meet, meter));
      [ready, gathering, waiting, inOrder] = [ready, gathering, waiting, inOrder].map((queue) =>
        orderedQueue([...queue].map((meter) => movedTo(meet, meter))),
      ) as [Queue, Queue, Queue, Queue];
    },
  };
}

/**
 * When records came. One that was appended later than now has come now: its clock was put back since, or it is another
 * than ours. It would hold up every meter behind it until our clock gets there.
 */
function arrivalTimes(appendMs: () => number) {
  let seenMs = 0;
  let isPutBack = false;

  function see(nowMs: number): void {
    if (nowMs < seenMs) isPutBack = true;
    seenMs = nowMs;
  }

  return {
    at(appendedAtMs: number): number {
      // A batch of records asks for the time once.
      if (appendedAtMs > seenMs) see(appendMs());
      return Math.min(appendedAtMs, seenMs);
    },
    /** Whether our own clock was put back, so that what has come already seems to be still to come. */
    wentBack(nowMs: number): boolean {
      if (nowMs < seenMs) see(nowMs);
      const isBack = isPutBack;
      isPutBack = false;
      return isBack;
    },
  };
}

function notLaterThan(gathering: Queue, nowMs: number): void {
  for (const meter of gathering) {
    meter.changedAtMs = Math.min(meter.changedAtMs, nowMs);
    meter.pendingSinceMs = Math.min(meter.pendingSinceMs, nowMs);
  }
}

/** A barrier for all of a month's end would hold up the frames behind it until all is issued. */
const sweptPerBarrierMax = 5000;

function firstOf(queue: Queue): MeterState | undefined {
  const [first] = queue;
  return first;
}

function quietIn(byLastChange: Queue, quietBefore: number): MeterState[] {
  const quiet: MeterState[] = [];
  for (const meter of byLastChange) {
    if (meter.changedBy >= quietBefore) break;
    quiet.push(meter);
  }
  return quiet;
}

/** The offset from which on nothing has changed a meter that is quiet; 0 where none is. */
function quietSince(byLastChange: Queue, byFirstChange: Queue, nowMs: number, settleMs: number): number {
  const [oldest] = byFirstChange;
  if (oldest !== undefined && nowMs - oldest.pendingSinceMs >= waitFactorMax * settleMs) return everything;
  let before = 0;
  for (const { changedBy, changedAtMs } of byLastChange) {
    if (nowMs - changedAtMs < settleMs) break;
    before = changedBy + 1;
  }
  return before;
}

type Queue = ReturnType<typeof orderedQueue<MeterState>>;

/** What waits of a meter, as the same meter of another memory. */
function movedTo(meet: (meterId: string) => MeterState, meter: MeterState): MeterState {
  const { pendingFrom, changedBy, changedAtMs, pendingSinceMs, queueNumber, cause } = meter;
  const waits = { pendingFrom, changedBy, changedAtMs, pendingSinceMs, queueNumber, cause };
  return Object.assign(meet(meter.meterId), waits);
}

function affectedAsOf(timeMs: () => number): PendingMeters["affectedFrom"] {
  const dueBoundaries = dueBoundary(timeMs);
  return (meter, channel, at, decidesFrom) =>
    // Before the first barrier nothing is due, and all of it will be.
    timeMs() === 0 ? 1 : affectedFrom(meter, channel, at, decidesFrom, dueBoundaries(meter));
}

/** The newest boundary whose snapshots are due, per calendar, as long as log time stands. */
function dueBoundary(timeMs: () => number): (meter: MeterState) => number {
  const known = new Map<string, number>();
  let asOfMs = 0;
  return (meter) => {
    if (timeMs() !== asOfMs) {
      known.clear();
      asOfMs = timeMs();
    }
    let boundary = known.get(meter.calendar.zone);
    if (boundary === undefined) {
      boundary = meter.calendar.boundaryOf(lastPeriodDue({ ...meter, record: undefined }, asOfMs));
      known.set(meter.calendar.zone, boundary);
    }
    return boundary;
  };
}

/** The first period whose snapshot a reading at `at` can change; undefined where it can change none that is due. */
function affectedFrom(
  meter: MeterState,
  channel: Channel,
  at: number,
  decidesFrom: number,
  dueBoundary: number,
): number | undefined {
  const { calendar } = meter;
  if (at > dueBoundary) {
    if (at > dueBoundary + valuationRules.reachSecondsMax) return undefined;
    const decides =
      channel.kind === "register"
        ? decidesFrom !== 0 && decidesFrom <= dueBoundary
        : (meter.issued?.some(({ usesIntervals }) => usesIntervals) ?? beginsBefore(meter, dueBoundary));
    return decides ? calendar.periodOf(dueBoundary - 1) : undefined;
  }
  // As the reading after a boundary it can decide the period before its own.
  return calendar.periodOf(at - channel.stepSeconds) - 1;
}

/** Whether a meter of which is not known what was issued has months before the boundary at all. */
function beginsBefore(meter: MeterState, boundary: number): boolean {
  const first = firstPeriodOf(meter);
  return first === undefined || first < meter.calendar.periodOf(boundary);
}
