import type { DatabaseSync } from "node:sqlite";
import { refusalsPerMessageMax } from "@meterbook/core/ports/refused-message";

/** Messages of one transaction. */
const messagesPerTurnMax = 200;

/**
 * Forgets the oldest messages that came before then, some at a time, inside the caller's transaction. Answers how many refusals went,
 * and whether there may be more. What was open stays counted: it is still a reading that came and is in no store.
 */
export type ForgetRejections = (beforeMs: number) => { readonly forgotten: number; readonly isMore: boolean };

export function rejectionForgetting(database: DatabaseSync): ForgetRejections {
  const oldest = database.prepare("SELECT place, received_at_ms FROM refused_message ORDER BY place LIMIT ?");
  const dropRefusals = database.prepare("DELETE FROM refusal WHERE id >= ? AND id < ?");
  const dropMessage = database.prepare("DELETE FROM refused_message WHERE place = ?");
  return (beforeMs) => {
    let forgotten = 0;
    let messages = 0;
    for (const { place, received_at_ms: receivedAtMs } of oldest.all(messagesPerTurnMax)) {
      if (Number(receivedAtMs) >= beforeMs) break;
      const first = Number(place) * refusalsPerMessageMax;
      forgotten += Number(dropRefusals.run(first, first + refusalsPerMessageMax).changes);
      dropMessage.run(Number(place));
      messages += 1;
    }
    return { forgotten, isMore: messages === messagesPerTurnMax };
  };
}

export interface RejectedRetention {
  readonly retentionDays: number;
  readonly nowMs: () => number;
  /** So many refusals were forgotten. Not called for none. */
  readonly forgot: (refusals: number) => void;
}

const everyMs = 600_000;
const dayMs = 86_400_000;

/** Forgets what is too old now and every ten minutes, a transaction at a time, so that others have their turn. */
export function keepRetention(
  { retentionDays, nowMs, forgot }: RejectedRetention,
  forget: ForgetRejections,
): { close(): void } {
  let next: NodeJS.Immediate | undefined;

  function turn(): void {
    const { forgotten, isMore } = forget(nowMs() - retentionDays * dayMs);
    if (forgotten > 0) forgot(forgotten);
    next = isMore ? setImmediate(turn) : undefined;
  }

  turn();
  const timer = setInterval(() => {
    if (next === undefined) turn();
  }, everyMs);
  timer.unref();
  return {
    close() {
      clearInterval(timer);
      clearImmediate(next);
    },
  };
}
