import type { DatabaseSync } from "node:sqlite";
import { registryPlace } from "@meterbook/core/domain/damage/registry-damage";
import { bigNumbers } from "../../sqlite-views/file/row-checksum.ts";
import { recordFault, recordRow, rowColumns } from "../../sqlite-views/registry/registry-table.ts";

/** Checks a version of master data by its number: the row, and the record in it. */
export function registryCheck(database: DatabaseSync) {
  const whole = bigNumbers(database.prepare(`SELECT ${rowColumns} FROM record WHERE no = ?`));
  return (no: number) => {
    const row = recordRow(whole.get(no) ?? {});
    const fault = recordFault(row);
    if (fault === undefined) return undefined;
    const { entity, position } = row;
    const where = registryPlace(entity, `position ${position}`);
    return { ...fault, where, meterId: entity.kind === "meter" ? entity.id : null };
  };
}
