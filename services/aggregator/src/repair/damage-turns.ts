import type { DamagedPlace, KnownDamage } from "@meterbook/core/domain/damage/damage";
import type { DamageLog } from "@meterbook/core/ports/damage-log";

/** Looked at in one go. */
const entriesMax = 1000;

/**
 * Entries for which nothing was done yet: some at each call, and all of them in turn. So entries that cannot be mended
 * yet do not keep others waiting for ever, and a look costs the same however many there are.
 */
export function damageTurns(
  damages: Pick<DamageLog, "unmended">,
  place: DamagedPlace,
  limit = entriesMax,
): () => Promise<readonly KnownDamage[]> {
  let afterId = "";
  return async () => {
    const begun = afterId;
    const entries = await damages.unmended({ place, afterId, limit });
    const last = entries.at(-1);
    afterId = entries.length < limit || last === undefined ? "" : last.id;
    // The end of a turn is short: what stands before its beginning may be new.
    if (afterId !== "" || begun === "") return entries;
    const first = await damages.unmended({ place, limit: limit - entries.length });
    return [...entries, ...first.filter(({ id }) => id <= begun)];
  };
}
