import type { TakeMessage } from "@meterbook/core/ports/meter-endpoint";

/** From so many messages a second on it is worth it. */
const messagesPerSecondMin = 1000;
/** After a turn that found so many nobody sleeps: senders have only so many under way. */
const messagesMax = 1000;
const sleepMs = 50;
const rateOverMs = 100;

/** How the readings log is to gather where turns do: what came in one turn is written at its end. */
export const writtenWithTheirTurn = { reportsPerSecond: messagesPerSecondMin, lingerMs: 0, reportsMax: messagesMax };

export interface TurnOptions {
  /** Holds up the thread. */
  readonly sleep: (ms: number) => void;
  /** What has come is not all taken yet. */
  readonly isBehind: () => boolean;
  /** Monotonic. */
  readonly nowMs: () => number;
}

/**
 * Lets messages come together while many come. One by one a message costs several times what it costs in company: the
 * thread finds its code and memory gone from the caches each time (docs/decisions/0008-ingest-sleeps-between-turns.md).
 * So after a turn of the event loop that took messages the thread sleeps for a moment, and the next turn finds all that
 * came meanwhile, as network cards do with their interrupts. It replaces the wait for others in the batcher and takes
 * no longer.
 *
 * For a process that does nothing else: everything in it waits for the turn, probes and metrics too.
 */
export function gatherTurns(
  take: TakeMessage,
  { isBehind = () => false, sleep = sleepThread, nowMs = () => performance.now() }: Partial<TurnOptions> = {},
): TakeMessage {
  let inTurn = 0;
  let inWindow = 0;
  let windowFromMs = nowMs();
  let isWorthIt = false;

  function endTurn(): void {
    const isFull = inTurn >= messagesMax;
    inWindow += inTurn;
    inTurn = 0;
    const passedMs = nowMs() - windowFromMs;
    if (passedMs >= rateOverMs) {
      isWorthIt = (inWindow / passedMs) * 1000 >= messagesPerSecondMin;
      inWindow = 0;
      windowFromMs += passedMs;
    }
    if (isWorthIt && !isFull && !isBehind()) sleep(sleepMs);
  }

  return (message) => {
    // A turn later: what is written because of these messages must be on its way before.
    if (inTurn === 0) setImmediate(() => setImmediate(endTurn));
    inTurn += 1;
    return take(message);
  };
}

const nobodyWakes = new Int32Array(new SharedArrayBuffer(4));

function sleepThread(ms: number): void {
  Atomics.wait(nobodyWakes, 0, 0, ms);
}
