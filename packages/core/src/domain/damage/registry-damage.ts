import { type EntityKey, entityName, namedEntity } from "../registry/master-data-change.ts";
import { type Damage, damageAt, type RecordFault } from "./damage.ts";

/** A key that is longer is no id. */
const idCharsMax = 128;

/** A record of the registry that cannot be used: `place` is that of its change in the order of changes. */
export function registryDamage(entity: EntityKey, place: string, fault: RecordFault, foundAtMs: number): Damage {
  const meterId = entity.kind === "meter" && entity.id.length <= idCharsMax ? entity.id : null;
  return damageAt("registry", registryPlace(entity, place), fault, { help, meterId, foundAtMs });
}

/** Where it is said to be: a change may have records of several entities. */
export function registryPlace(entity: EntityKey, place: string): string {
  return `${place} ${entityName(entity).slice(0, idCharsMax)}`;
}

/** Whose record it is. */
export function damagedEntity({ where }: Pick<Damage, "where">): EntityKey {
  return namedEntity(where.slice(where.lastIndexOf(" ") + 1));
}

const help =
  "Put the master data of the meter or usage point in again. Until then what is issued by them stays, and new months " +
  "are suspect, without a consumption. An outage that cannot be read counts for nothing until it is put in again.";
