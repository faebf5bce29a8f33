import { setTimeout } from "node:timers/promises";
import { type DamageCode, damageAt } from "@meterbook/core/domain/damage/damage";
import { type DamageEars, noEars } from "@meterbook/core/ports/damage-log";

/** A row that cannot be understood, or does not give its checksum. */
export interface OddRow {
  readonly where: string;
  readonly detail: string;
  readonly meterId?: string | null;
  readonly code?: DamageCode;
}

export type TellOdd = (row: OddRow) => void;

/** What is set aside of what a store answers, told once. */
export interface OddRows {
  /**
   * Reads. If a row is odd and was not told before, it reads once more, because a query may see only some fields of a
   * point that is just being written. A row that is odd both times is told.
   */
  look<Answer>(read: (odd: TellOdd) => Promise<Answer>, signal: AbortSignal): Promise<Answer>;
}

const againAfterMs = 250;
/** Beyond it what was told is told again, which makes no second entry. */
const toldMax = 10_000;

export function oddRows({ tell, nowMs }: DamageEars = noEars): OddRows {
  const told = new Set<string>();

  return {
    async look(read, signal) {
      const seen = new Set<string>();
      const answer = await read(({ where }) => void (told.has(where) || seen.add(where)));
      if (seen.size === 0) return answer;
      await setTimeout(againAfterMs, undefined, { signal }).catch(() => undefined);
      return read(({ where, detail, meterId = null, code = "record_unreadable" }) => {
        if (!seen.has(where) || told.has(where)) return;
        if (told.size >= toldMax) told.clear();
        told.add(where);
        tell(damageAt("series", where, { code, detail }, { help, meterId, foundAtMs: nowMs() }));
      });
    },
  };
}

const help =
  "It is left out of what is read. If it was written past Meterbook, delete it there; if it was ours, a backup of the store has it, " +
  "or the readings log where that still holds it.";

export function atSecond(seconds: unknown): string {
  const at = new Date(Number(seconds) * 1000);
  return Number.isNaN(at.getTime()) ? String(seconds) : at.toISOString();
}
