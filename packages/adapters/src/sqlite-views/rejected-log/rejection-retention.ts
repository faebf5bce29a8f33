import type { DatabaseSync } from "node:sqlite";
import { setImmediate as nextTurn } from "node:timers/promises";
import { refusalsPerMessageMax } from "@meterbook/core/ports/refused-message";
import { bigNumbers, isIntact } from "../file/row-checksum.ts";
import { messageColumns } from "./rejection-table.ts";

/** Messages of one transaction. */
const messagesPerTurnMax = 200;

/**
 * Forgets the oldest messages that came before then, some at a time, inside the caller's transaction. Answers how many
 * refusals went, and whether there may be more. What was open stays counted: it is still a reading that came and is in
 * no store.
 */
export type ForgetRejections = (beforeMs: number) => Forgotten;

interface Forgotten {
  readonly forgotten: number;
  readonly isMore: boolean;
}

/**
 * The same for the messages of one sender behind a place, some at a time; `last` is the place to go on behind. A sender
 * that nobody named is the empty text.
 */
export type ForgetSender = (sender: string, afterPlace: number) => Forgotten & { readonly last: number };

/** Answers how many refusals of these messages were forgotten. */
function dropping(database: DatabaseSync): (places: readonly number[]) => number {
  const dropRefusals = database.prepare("DELETE FROM refusal WHERE id >= ? AND id < ?");
  const dropSource = database.prepare("DELETE FROM refused_source WHERE place = ?");
  const dropMessage = database.prepare("DELETE FROM refused_message WHERE place = ?");
  return (places) => {
    let forgotten = 0;
    for (const place of places) {
      const first = place * refusalsPerMessageMax;
      forgotten += Number(dropRefusals.run(first, first + refusalsPerMessageMax).changes);
      dropMessage.run(place);
      dropSource.run(place);
    }
    return forgotten;
  };
}

export function senderForgetting(database: DatabaseSync): ForgetSender {
  const drop = dropping(database);
  const next = database.prepare(
    "SELECT place FROM refused_message WHERE place > ? AND coalesce(sender, '') = ? ORDER BY place LIMIT ?",
  );
  return (sender, afterPlace) => {
    const places = next.all(afterPlace, sender, messagesPerTurnMax).map(({ place }) => Number(place));
    const forgotten = drop(places);
    return { forgotten, isMore: places.length === messagesPerTurnMax, last: places.at(-1) ?? afterPlace };
  };
}

export function rejectionForgetting(database: DatabaseSync): ForgetRejections {
  const drop = dropping(database);
  const oldest = bigNumbers(database.prepare("SELECT * FROM refused_message ORDER BY place LIMIT ?"));

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
    const places = tooOld(beforeMs);
    return { forgotten: drop(places), isMore: places.length === messagesPerTurnMax };
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
