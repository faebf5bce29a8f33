import type {
  Acknowledgement,
  Damage,
  DamagedPlace,
  KnownDamage,
  Mending,
  RepairOrder,
} from "../domain/damage/damage.ts";
import { damageAt } from "../domain/damage/damage.ts";

/**
 * What is damaged or lost. Whoever finds it tells it; it is kept open until an operator has acknowledged it, and listed
 * for ever.
 *
 * Promises of every adapter (test/contracts/damage-log.contract.ts):
 * - `report` resolves once the entries survive a crash; an entry whose id is known changes nothing, so a reader may
 *   report the same damage each time that it meets it;
 * - it is bounded: above `damagesOpenMax` open entries new damage is told by one entry of the place `damage-log`, not
 *   listed;
 * - `acknowledge` appends an operator's word, answers whether the id is known, and changes the first time only;
 * - `askRepair` and `mend` append in the same way: an operator's order, and what was done in the end; neither closes an
 *   entry;
 * - `unmended` gives entries of a place for which nothing was done yet, acknowledged or not, in order of the id;
 * - `list` gives entries in order of `foundAtMs`, then `id`;
 * - `find` gives one entry by its id;
 * - `open` counts entries without acknowledgement, by place;
 * - `losses` adds up what is lost for good, by place, acknowledged or not; `unknown` counts open entries whose extent
 *   is not known;
 * - all processes of a deployment see each other's entries within some seconds.
 */
export interface DamageLog {
  report(damages: readonly Damage[]): Promise<void>;
  acknowledge(id: string, word: Acknowledgement): Promise<boolean>;
  askRepair(id: string, order: RepairOrder): Promise<boolean>;
  mend(id: string, mending: Mending): Promise<boolean>;
  unmended(which: Unmended): Promise<readonly KnownDamage[]>;
  find(id: string): Promise<KnownDamage | undefined>;
  list(options: {
    readonly includeAcknowledged: boolean;
    readonly afterId?: string;
    readonly limit: number;
  }): Promise<readonly KnownDamage[]>;
  open(): Promise<{ readonly total: number; readonly byPlace: Readonly<Record<string, number>> }>;
  losses(): Promise<Losses>;
  close(): Promise<void>;
}

/** Which of the entries that nothing was done about. */
export interface Unmended {
  readonly place: DamagedPlace;
  readonly meterId?: string;
  /** Only those whose repair an operator has asked for. */
  readonly asked?: boolean;
  readonly afterId?: string;
  readonly limit: number;
}

/** What is lost for good. */
export interface Losses {
  readonly byPlace: Readonly<Record<string, number>>;
  readonly unknown: number;
}

/**
 * So many open entries are listed, each a few hundred bytes: nobody reads more, and a broken disk finds without end.
 */
export const damagesOpenMax = 100_000;

/**
 * For readers that meet damage where they cannot wait: told without a promise, reported by the owner as soon as may be.
 */
export type TellDamage = (damage: Damage) => void;

/** For readers that find damage: whom they tell, and the clock that says when. */
export interface DamageEars {
  readonly tell: TellDamage;
  readonly nowMs: () => number;
}

export const noEars: DamageEars = { tell: () => undefined, nowMs: () => 0 };

/** What stands for all that is not listed. */
export function unlistedDamage(foundAtMs: number): Damage {
  const detail = `more than ${damagesOpenMax} entries are open, and what was found since is not listed`;
  const help = "acknowledge what is mended, then verify the data: what is still damaged is found and listed again";
  return damageAt("damage-log", "above the most open entries", { code: "records_lost", detail }, { help, foundAtMs });
}
