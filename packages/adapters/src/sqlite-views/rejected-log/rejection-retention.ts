import type { DatabaseSync } from "node:sqlite";
import { setImmediate as nextTurn } from "node:timers/promises";
import { refusalsPerMessageMax } from "@meterbook/core/ports/refused-message";
import { bigNumbers, isIntact } from "../file/row-checksum.ts";
import { messageColumns } from "./rejection-table.ts";

/** Messages of one transaction. */
const messagesPerTurnMax = 200;

/**
 * Forgets the oldest messages that came before then, some at a time, inside the caller's transaction. Answers how many refusals went,
 * and whether there may be more. What was open stays counted: it is still a reading that came and is in no store.
 */
export type ForgetRejections = (beforeMs: number) => Forgotten;

interface Forgotten {
  readonly forgotten: number;
  readonly isMore: boolean;
}

export function rejectionForgetting(database: DatabaseSync): ForgetRejections {
  const oldest = bigNumbers(database.prepare("SELECT * FROM refused_message ORDER BY place LIMIT ?"));
  const dropRefusals = database.prepare("DELETE FROM refusal WHERE id >= ? AND id < ?");
  const dropSource = database.prepare("DELETE FROM refused_source WHERE place = ?");
  const dropMessage = database.prepare("DELETE FROM refused_message WHERE place = ?");

  /**
   * The places of the oldest. A message that cannot be read does not say when it came, and goes with the next one that
   * does.
   */
  function tooOld(beforeMs: number): number[] {
    const places: number[] = [];
    let count = 0;
    for (const row of oldest.iterate(messagesPerTurnMax)) {
      const isSound = isIntact(row, messageColumns);
      if (isSound && Number(row["received_at_ms"]) >= beforeMs) break;
      places.push(Number(row["place"]));
      if (isSound) count = places.length;
    }
    return places.slice(0, count);
  }

  return (beforeMs) => {
    let forgotten = 0;
    const places = tooOld(beforeMs);
    for (const place of places) {
      const first = place * refusalsPerMessageMax;
      forgotten += Number(dropRefusals.run(first, first + refusalsPerMessageMax).changes);
      dropMessage.run(place);
      dropSource.run(place);
    }
    return { forgotten, isMore: places.length === messagesPerTurnMax };
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
  forget: (beforeMs: number) => Forgotten | Promise<Forgotten>,
): { close(): void } {
  let isForgetting = false;
  let isClosed = false;

  async function forgetAll(): Promise<void> {
    isForgetting = true;
    for (let isMore = true; isMore && !isClosed; await nextTurn()) {
      const done = await forget(nowMs() - retentionDays * dayMs);
      if (done.forgotten > 0) forgot(done.forgotten);
      isMore = done.isMore;
    }
  }

  /** What fails is tried again in ten minutes. */
  function begin(): void {
    if (isForgetting) return;
    void forgetAll()
      .catch(() => undefined)
      .finally(() => {
        isForgetting = false;
      });
  }

  begin();
  const timer = setInterval(begin, everyMs);
  timer.unref();
  return {
    close() {
      isClosed = true;
      clearInterval(timer);
    },
  };
}
