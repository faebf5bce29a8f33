/**
 * Divides the time of the thread among connections. A connection that takes little is served at once. Those that take
 * much share what is left, one slice each in turn. So a flood over one connection, or over many, keeps no meter waiting
 * for long. If nobody else wants the time, they get all of it.
 */
export interface FairTurns {
  /** Begins a stretch of work. False where it is not the connection's turn: then `again` is called when it is. */
  begin(turn: Turn): boolean;
  /** Asked within a stretch: true when it has been long enough; `again` is called for the rest. */
  isOver(): boolean;
  end(): void;
  /** Work that was caused and is done later. */
  charge(turn: Turn, ms: number): void;
  forget(turn: Turn): void;
  /** Somebody waits for the next turn of the event loop. */
  isBehind(): boolean;
}

/** What is known of a connection. */
export interface Turn {
  /** It may begin again. */
  readonly again: () => void;
  /** Milliseconds that it may take before it counts as one that takes much. */
  creditMs: number;
  creditAtMs: number;
  /** Its turn came while something else held it up: it begins as soon as that is over. */
  isOwed: boolean;
}

/** An ordinary meter takes a tenth of a millisecond for a report. */
const creditMsMax = 1;
/** A new connection has to earn it. */
const creditPerMs = 0.002;
/** Of the debt of a connection more is not remembered. */
const debtMsMax = 20;
/** Those that take much together, in a turn of the event loop. */
const turnMsMax = 8;
/** And one of them, before it is the next one's turn. */
const sliceMsMax = 1;

export function newTurn(again: () => void, nowMs: number): Turn {
  return { again, creditMs: 0, creditAtMs: nowMs, isOwed: false };
}

export function fairTurns(
  nowMs = () => performance.now(),
  schedule: (run: () => void) => void = setImmediate,
): FairTurns {
  const waiting = new Set<Turn>();
  let takenMs = 0;
  let scheduled = false;
  let serving = false;
  let current: Turn | undefined;
  let lookedAtMs = 0;
  let untilMs = 0;

  /** The turn of the event loop ends: those that wait share the next one. */
  function serve(): void {
    scheduled = false;
    serving = true;
    takenMs = 0;
    for (const turn of waiting) {
      if (takenMs >= turnMsMax) break;
      waiting.delete(turn);
      turn.isOwed = true;
      turn.again();
    }
    serving = false;
    if (waiting.size > 0) scheduleSoon();
  }

  function scheduleSoon(): void {
    if (scheduled) return;
    scheduled = true;
    schedule(serve);
  }

  function earn(turn: Turn, atMs: number): void {
    turn.creditMs = Math.min(creditMsMax, turn.creditMs + (atMs - turn.creditAtMs) * creditPerMs);
    turn.creditAtMs = atMs;
  }

  function pay(turn: Turn, ms: number): void {
    if (turn.creditMs <= 0) takenMs += ms;
    turn.creditMs = Math.max(-debtMsMax, turn.creditMs - ms);
    if (takenMs > 0) scheduleSoon();
  }

  function wait(turn: Turn): void {
    waiting.add(turn);
    scheduleSoon();
  }

  return {
    begin(turn) {
      const atMs = nowMs();
      earn(turn, atMs);
      const isFree = turn.isOwed || turn.creditMs > 0 || (waiting.size === 0 && takenMs < turnMsMax);
      if (!isFree) {
        wait(turn);
        return false;
      }
      turn.isOwed = false;
      current = turn;
      lookedAtMs = atMs;
      untilMs = atMs + sliceMsMax;
      return true;
    },
    isOver() {
      if (current === undefined) return false;
      const atMs = nowMs();
      pay(current, atMs - lookedAtMs);
      lookedAtMs = atMs;
      if (current.creditMs > 0 || (atMs < untilMs && takenMs < turnMsMax)) return false;
      // Alone with its wish for time it goes on.
      if (!serving && waiting.size === 0 && takenMs < turnMsMax) return false;
      wait(current);
      current = undefined;
      return true;
    },
    end() {
      if (current !== undefined) pay(current, nowMs() - lookedAtMs);
      current = undefined;
    },
    charge: pay,
    forget: (turn) => void waiting.delete(turn),
    isBehind: () => waiting.size > 0,
  };
}
