import { closingRules } from "@meterbook/core/domain/closing-value";
import type { Channel } from "@meterbook/core/domain/reading";
import { lastPeriodDue } from "./evaluate-meter.ts";
import type { MeterState } from "./meter-state.ts";
import { unordered } from "./meter-state.ts";

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
const untouched = Number.NEGATIVE_INFINITY;

export function pendingMeters(settleSeconds: number, nowMs: () => number): PendingMeters {
  // In order of the last touch, so that the quietest stands first.
  let waiting = new Set<MeterState>();
  // In order of their tickets.
  let tickets = new Set<MeterState>();
  let nextTicket = 1;
  const settleMs = settleSeconds * 1000;
  const dueBoundaries = dueBoundary(nowMs);

  function mark(meter: MeterState, fromPeriod: number, touchedAtMs: number): void {
    if (meter.pendingFrom === Number.POSITIVE_INFINITY) {
      meter.pendingSinceMs = touchedAtMs;
      meter.ticket = nextTicket;
      nextTicket += 1;
      tickets.add(meter);
    }
    meter.pendingFrom = Math.min(meter.pendingFrom, fromPeriod);
    if (waiting.has(meter) && touchedAtMs === untouched) return;
    meter.touchedAtMs = touchedAtMs;
    waiting.delete(meter);
    waiting.add(meter);
  }

  return {
    get size() {
      return waiting.size;
    },
    mark: (meter, fromPeriod) => mark(meter, fromPeriod, untouched),
    gather: (meter, fromPeriod) => mark(meter, fromPeriod, nowMs()),
    touched(meter, channel, at, crossed) {
      const due = dueBoundaries(meter);
      const from = affectedFrom(meter, channel, at, crossed, due);
      if (from !== undefined) mark(meter, from, nowMs());
    },
    get nextTicket() {
      return nextTicket;
    },
    get oldestTicket() {
      const [oldest] = tickets;
      return oldest?.ticket ?? nextTicket;
    },
    due(limit, all) {
      const taken: MeterState[] = [];
      const now = nowMs();
      for (const meter of waiting) {
        if (taken.length >= limit) break;
        const quiet = now - meter.touchedAtMs >= settleMs;
        if (all || quiet || now - meter.pendingSinceMs >= waitFactorMax * settleMs) taken.push(meter);
      }
      return taken;
    },
    done(meters) {
      for (const meter of meters) {
        waiting.delete(meter);
        tickets.delete(meter);
        meter.pendingFrom = Number.POSITIVE_INFINITY;
      }
    },
    moveTo(meet) {
      const moved = (meter: MeterState): MeterState => {
        const { pendingFrom, touchedAtMs, pendingSinceMs, ticket } = meter;
        return Object.assign(meet(meter.meterId), { pendingFrom, touchedAtMs, pendingSinceMs, ticket });
      };
      waiting = new Set([...waiting].map(moved));
      tickets = new Set([...tickets].map(moved));
    },
  };
}

/** The newest boundary whose snapshots are due, per calendar, looked up again once a second. */
function dueBoundary(nowMs: () => number): (meter: MeterState) => number {
  const known = new Map<string, number>();
  let asOf = 0;
  return (meter) => {
    const now = nowMs();
    if (now - asOf >= 1000) {
      known.clear();
      asOf = now;
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
        : (meter.issued?.some(({ usesIntervals }) => usesIntervals) ?? true);
    return decides ? calendar.periodOf(dueBoundary - 1) : undefined;
  }
  const period = calendar.periodOf(at - channel.stepSeconds);
  // As the reading after a boundary it can decide the period before its own.
  return at - calendar.startOf(period) <= reach ? period - 1 : period;
}
