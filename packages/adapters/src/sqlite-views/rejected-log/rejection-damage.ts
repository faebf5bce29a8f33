import { type Damage, damageAt } from "@meterbook/core/domain/damage/damage";
import { type DamageEars, noEars } from "@meterbook/core/ports/damage-log";

/** Of the rejected log: told where what cannot be read stands. Answers what was told. */
export interface RejectionEars {
  /** `number`: which of the message's refusals, where it is one. */
  row(place: number, number?: number): Damage;
  count(reason: string): Damage;
}

/** `whereOf`: how the place of a message is called. */
export function rejectionEars(whereOf: (place: number) => string, { tell, nowMs }: DamageEars = noEars): RejectionEars {
  function told(where: string, detail: string, help: string): Damage {
    const fault = { code: "checksum_mismatch", detail } as const;
    const damage = damageAt("rejected-log", where, fault, { help, foundAtMs: nowMs() });
    tell(damage);
    return damage;
  }

  return {
    row: (place, number) =>
      told(
        `${whereOf(place)}${number === undefined ? "" : ` refusal ${number}`}`,
        "what was refused there is not as it was written: it is not shown, and counts as it did",
        "It was refused, so no reading of the store is touched. A meter whose message it was can send it again.",
      ),
    count: (reason) =>
      told(
        `count of ${reason}`,
        "the number of open refusals for this reason is not as it was written",
        "It was counted again from the refusals that are kept; those that are older than they are kept are not in it.",
      ),
  };
}
