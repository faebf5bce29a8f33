import { type Damage, type DamageCode, damageId } from "./damage.ts";

/** Why a record of the registry cannot be used. */
export interface RegistryFault {
  readonly code: DamageCode;
  readonly detail: string;
}

/** A key that is longer is not a meter's id. */
const meterIdCharsMax = 128;

/** A record of the registry that cannot be used: `where` is its place in the order of changes. */
export function registryDamage(meterId: string, where: string, fault: RegistryFault, foundAtMs: number): Damage {
  return {
    ...fault,
    id: damageId("registry", where),
    place: "registry",
    where,
    help,
    meterId: meterId.length <= meterIdCharsMax ? meterId : null,
    period: null,
    lost: null,
    foundAtMs,
  };
}

const help =
  "Put the meter's master data in again. Until then the last record that could be read is used where it is known, " +
  "and the defaults otherwise.";
