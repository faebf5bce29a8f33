import { type Damage, damageAt, type RecordFault } from "./damage.ts";

/** A key that is longer is not a meter's id. */
const meterIdCharsMax = 128;

/** A record of the registry that cannot be used: `where` is its place in the order of changes. */
export function registryDamage(meterId: string, where: string, fault: RecordFault, foundAtMs: number): Damage {
  return damageAt("registry", where, fault, {
    help,
    meterId: meterId.length <= meterIdCharsMax ? meterId : null,
    foundAtMs,
  });
}

const help =
  "Put the meter's master data in again. Until then what is issued of it stays, and new months are suspect, " +
  "without a consumption.";
