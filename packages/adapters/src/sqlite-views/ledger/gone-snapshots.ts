import type { DatabaseSync } from "node:sqlite";
import type { Damage } from "@meterbook/core/domain/damage/damage";
import { damageId } from "@meterbook/core/domain/damage/damage";

/**
 * What a ledger showed and shows no more, because its topic was put back to an older copy; undefined if that is
 * nothing.
 *
 * @param before the file of `snapshotSchema` with what was shown
 */
export function goneSnapshots(database: DatabaseSync, before: string, foundAtMs: number): Damage | undefined {
  database.prepare("ATTACH DATABASE ? AS before").run(before);
  try {
    const row = database
      .prepare(`SELECT count(*) AS count, min(b.sequence) AS first, max(b.sequence) AS last
        FROM before.ledger b LEFT JOIN main.ledger n ON n.sequence = b.sequence WHERE n.body IS NOT b.body`)
      .get();
    const count = Number(row?.["count"] ?? 0);
    return count === 0 ? undefined : damageOf(count, `numbers ${row?.["first"]} to ${row?.["last"]}`, foundAtMs);
  } finally {
    database.exec("DETACH DATABASE before");
  }
}

function damageOf(lost: number, where: string, foundAtMs: number): Damage {
  return {
    id: damageId("ledger", where),
    place: "ledger",
    code: "store_behind",
    where,
    detail: `the topic of the ledger was put back to an older copy: ${lost} snapshots that were shown are not in it any more`,
    help: "they are issued again from the readings, and may be others under the same numbers: have billing take GET /v1/snapshots/changes anew from before them, then acknowledge (docs/restore.md)",
    meterId: null,
    period: null,
    lost,
    foundAtMs,
  };
}
