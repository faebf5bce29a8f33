import type { DatabaseSync } from "node:sqlite";
import type { Damage } from "@meterbook/core/domain/damage/damage";
import { damageId } from "@meterbook/core/domain/damage/damage";
import { placeOfRow } from "./ledger-row.ts";

/**
 * What a ledger showed and shows no more, because its topic was put back to an older copy: one entry for each shard.
 *
 * @param before the file of `snapshotSchema` with what was shown
 */
export function goneSnapshots(database: DatabaseSync, before: string, foundAtMs: number): Damage[] {
  database.prepare("ATTACH DATABASE ? AS before").run(before);
  try {
    const gone = database.prepare(`SELECT b.sequence FROM before.ledger b
      LEFT JOIN main.ledger n ON n.sequence = b.sequence WHERE n.body IS NOT b.body ORDER BY b.sequence`);
    const byShard = new Map<number, { count: number; readonly first: number; last: number }>();
    for (const { sequence: row } of gone.iterate()) {
      const { shard, sequence } = placeOfRow(Number(row));
      const range = byShard.get(shard) ?? { count: 0, first: sequence, last: sequence };
      range.count += 1;
      range.last = sequence;
      byShard.set(shard, range);
    }
    return [...byShard].map(([shard, { count, first, last }]) =>
      damageOf(count, `shard ${shard} numbers ${first} to ${last}`, foundAtMs),
    );
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
    help: "they are issued again from the readings, and may be others under the same numbers: have billing take GET /v1/snapshots/changes anew from a time before them (`since`), then acknowledge (docs/restore.md)",
    meterId: null,
    period: null,
    lost,
    foundAtMs,
  };
}
