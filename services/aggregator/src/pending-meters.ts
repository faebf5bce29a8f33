import { closingRules } from "@meterbook/core/domain/closing-value";
import type { Channel } from "@meterbook/core/domain/reading";
import { lastPeriodDue } from "./evaluate-meter.ts";
import type { MeterState } from "./meter-state.ts";
import { firstPeriodOf, unordered } from "./meter-state.ts";
import { orderedQueue } from "./ordered-queue.ts";

/**
 * Which meters wait to be recomputed. Readings of one meter are gathered until it has been quiet for the settle time,
 * but never for longer than `waitFactorMax` times that, so that a meter that never falls quiet is settled too.
 */
export interface PendingMeters {
  readonly size: number;
  /** Notes that a reading came into effect; `crossed` is the boundary that it was the first to pass, 0 or `unordered`. */
  touched(meter: MeterState, channel: Channel, at: number, crossed: number): void;
  /** Marks from a period on, to be recomputed without waiting; a meter that is gathering readings goes on doing so. */
  mark(meter: MeterState, fromPeriod: number): void;
  /** The same, but to be recomputed once the meter has been quiet: more of what changes it may be on the way. */
  gather(meter: MeterState, fromPeriod: number): void;
  /** The ticket that the next meter to become pending takes. */
  readonly nextTicket: number;
  /** The least ticket that is out; `nextTicket` where none is. */
  readonly oldestTicket: number;
  /** Up to `limit` meters whose waiting is over; `all`: whether it is over or not. */
  due(limit: number, all: boolean): MeterState[];
  done(meters: readonly MeterState[]): void;
  /** The book was opened again: what waited waits on, as the new book's meters. */
  moveTo(meet: (meterId: string) => MeterState): void;
}

const waitFactorMax = 10;

/** Looking for what is due costs as much as is due, however many wait. */
export function pendingMeters(settleSeconds: number, nowMs: () => number): PendingMeters {
  // Those that need not wait.
  let ready = orderedQueue<MeterState>();
  // The others in order of the last touch, so that the quietest stands first.
  let gathering = orderedQueue<MeterState>();
  // The same in order of the first touch, so that who has waited longest stands first.
  let waiting = orderedQueue<MeterState>();
  // All, in order of their tickets, which is that in which they became pending.
  let tickets = orderedQueue<MeterState>();
  let nextTicket = 1;
  const settleMs = settleSeconds * 1000;
  const dueBoundaries = dueBoundary(nowMs);

  function pend(meter: MeterState, fromPeriod: number): "new" | "known" {
    const known = meter.pendingFrom;
    meter.pendingFrom = known === undefined ? fromPeriod : Math.min(known, fromPeriod);
    if (known !== undefined) return "known";
    meter.ticket = nextTicket;
    nextTicket += 1;
    tickets.add(meter);
    return "new";
  }

  function gather(meter: MeterState, fromPeriod: number): void {
    const now = nowMs();
    if (pend(meter, fromPeriod) === "new") {
      meter.pendingSinceMs = now;
      waiting.add(meter);
    } else if (!gathering.delete(meter)) return;
    meter.touchedAtMs = now;
    gathering.add(meter);
  }

  return {
    get size() {
      return tickets.size;
    },
    mark(meter, fromPeriod) {
      if (pend(meter, fromPeriod) === "new") ready.add(meter);
    },
    gather,
    touched(meter, channel, at, crossed) {
      const due = dueBoundaries(meter);
      const from = affectedFrom(meter, channel, at, crossed, due);
      if (from !== undefined) gather(meter, from);
    },
    get nextTicket() {
      return nextTicket;
    },
    get oldestTicket() {
      const [oldest] = tickets;
      return oldest?.ticket ?? nextTicket;
    },
    due(limit, all) {
      const taken = new Set<MeterState>();
      for (const some of [ready, all ? gathering : quietOrOld(gathering, waiting, nowMs(), settleMs)]) {
        for (const meter of some) {
          if (taken.size >= limit) return [...taken];
          taken.add(meter);
        }
      }
      return [...taken];
    },
    done(meters) {
      for (const meter of meters) {
        ready.delete(meter);
        gathering.delete(meter);
        waiting.delete(meter);
        tickets.delete(meter);
        meter.pendingFrom = undefined;
      }
    },
    moveTo(meet) {
      const moved = (meter: MeterState): MeterState => {
        const { pendingFrom, touchedAtMs, pendingSinceMs, ticket } = meter;
        return Object.assign(meet(meter.meterId), { pendingFrom, touchedAtMs, pendingSinceMs, ticket });
      };
      ready = orderedQueue([...ready].map(moved));
      gathering = orderedQueue([...gathering].map(moved));
      waiting = orderedQueue([...waiting].map(moved));
      tickets = orderedQueue([...tickets].map(moved));
    },
  };
}

/** Those that have been quiet for the settle time, then those that have waited for too long without ever falling quiet. */
function* quietOrOld(
  byLastTouch: Iterable<MeterState>,
  byFirstTouch: Iterable<MeterState>,
  nowMs: number,
  settleMs: number,
): Generator<MeterState> {
  for (const meter of byLastTouch) {
    if (nowMs - meter.touchedAtMs < settleMs) break;
    yield meter;
  }
  for (const meter of byFirstTouch) {
    if (nowMs - meter.pendingSinceMs < waitFactorMax * settleMs) break;
    yield meter;
  }
}

/** The newest boundary whose snapshots are due, per calendar, looked up again once a second. */
function dueBoundary(nowMs: () => number): (meter: MeterState) => number {
  const known = new Map<string, number>();
  let asOf = 0;
  return (meter) => {
    const now = nowMs();
    if (Math.floor(now / 1000) !== asOf) {
      known.clear();
      asOf = Math.floor(now / 1000);
    }
    let boundary = known.get(meter.calendar.zone);
    if (boundary === undefined) {
      boundary = meter.calendar.boundaryOf(lastPeriodDue({ ...meter, record: undefined }, now));
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
  crossed: number,
  dueBoundary: number,
): number | undefined {
  const { calendar } = meter;
  const reach = closingRules.flatGapSecondsMax;
  if (at > dueBoundary) {
    if (at > dueBoundary + reach) return undefined;
    const decides =
      channel.kind === "register"
        ? crossed === dueBoundary || crossed === unordered
        : (meter.issued?.some(({ usesIntervals }) => usesIntervals) ?? beginsBefore(meter, dueBoundary));
    return decides ? calendar.periodOf(dueBoundary - 1) : undefined;
  }
  const period = calendar.periodOf(at - channel.stepSeconds);
  // As the reading after a boundary it can decide the period before its own.
  return at - calendar.startOf(period) <= reach ? period - 1 : period;
}

/** Whether a meter of which is not known what was issued has a book before the boundary at all. */
function beginsBefore(meter: MeterState, boundary: number): boolean {
  const first = firstPeriodOf(meter);
  return first === undefined || first < meter.calendar.periodOf(boundary);
}
