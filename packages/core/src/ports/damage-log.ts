import type { Acknowledgement, Damage, KnownDamage } from "../domain/damage.ts";

/**
 * What is damaged or lost, told by whoever finds it, kept until an operator has acknowledged it, and listed for ever.
 *
 * Promises of every adapter (test/contracts/damage-log.contract.ts):
 * - `report` resolves once the entries survive a crash; an entry whose id is known changes nothing, so a reader may report the
 *   same damage each time that it meets it; it is bounded: above `openMax` open entries the rest is counted, not listed;
 * - `acknowledge` appends an operator's word, answers whether the id is known, and changes the first time only;
 * - `list` gives entries in order of `foundAtMs`, then `id`;
 * - `open` counts entries without acknowledgement, by place;
 * - all processes of a deployment see each other's entries within some seconds.
 */
export interface DamageLog {
  report(damages: readonly Damage[]): Promise<void>;
  acknowledge(id: string, word: Acknowledgement): Promise<boolean>;
  list(options: {
    readonly includeAcknowledged: boolean;
    readonly afterId?: string;
    readonly limit: number;
  }): Promise<readonly KnownDamage[]>;
  open(): Promise<{ readonly total: number; readonly byPlace: Readonly<Record<string, number>> }>;
  close(): Promise<void>;
}

/** For readers that meet damage where they cannot wait: told without a promise, reported by the owner as soon as may be. */
export type TellDamage = (damage: Damage) => void;
