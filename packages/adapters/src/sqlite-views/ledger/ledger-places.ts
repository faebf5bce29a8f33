import type { DatabaseSync } from "node:sqlite";
import type { LedgerPlace } from "@meterbook/sharding/ledger-place";
import { placeAfter } from "@meterbook/sharding/ledger-place";
import { placeOfRow, rowOf } from "./ledger-row.ts";

export interface LedgerPlaces {
  /** After the newest row of each shard. */
  last(): LedgerPlace;
  /** Clocks of several writers differ and may be set back: the order of issue is not that of the times. */
  before(atMs: number): LedgerPlace;
}

/** Where the shards of a ledger end (`snapshotSchema`). */
export function ledgerPlaces(database: DatabaseSync): LedgerPlaces {
  const newestBefore = database.prepare("SELECT max(sequence) AS row FROM ledger WHERE sequence < ?");
  const issuedFrom = database.prepare("SELECT sequence FROM ledger WHERE issued_at_ms >= ?");
  issuedFrom.setReturnArrays(true);

  /** From the last shard down, so that shards without rows cost nothing. */
  function last(): LedgerPlace {
    let place: LedgerPlace = [];
    for (let before = Number.MAX_SAFE_INTEGER; ; ) {
      const row = newestBefore.get(before)?.["row"];
      if (typeof row !== "number") return place;
      const newest = placeOfRow(row);
      place = placeAfter(place, newest);
      before = rowOf({ shard: newest.shard, sequence: 0 });
    }
  }

  return {
    last,
    before(atMs) {
      const place = [...last()];
      for (const [row] of issuedFrom.iterate(atMs) as unknown as Iterable<[number]>) {
        const { shard, sequence } = placeOfRow(row);
        place[shard] = Math.min(place[shard] ?? 0, sequence - 1);
      }
      return place;
    },
  };
}
