import type { EntryPlace } from "@meterbook/sharding/ledger-place";

/** A shard's numbers: 256 shards of them are whole numbers that a double holds. */
const sequencesMax = 2 ** 44;

/** A place in the ledger as the key of a row: the rows of a shard stand together, in order. */
export function rowOf({ shard, sequence }: EntryPlace): number {
  return shard * sequencesMax + sequence;
}

export function placeOfRow(row: number): EntryPlace {
  return { shard: Math.floor(row / sequencesMax), sequence: row % sequencesMax };
}

/** The place as the damage log calls it. */
export function placeWords({ shard, sequence }: EntryPlace): string {
  return shard === 0 ? `sequence ${sequence}` : `shard ${shard} sequence ${sequence}`;
}
