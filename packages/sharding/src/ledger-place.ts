/**
 * How far somebody has read the ledger: by shard, the sequence of the newest entry that was read; 0, or nothing, where
 * none was. It stays right when shards are added: of those that it does not name nothing was read.
 */
export type LedgerPlace = readonly number[];

export const ledgerStart: LedgerPlace = [];

/** One place in the ledger. */
export interface EntryPlace {
  readonly shard: number;
  readonly sequence: number;
}

/** Where a reader stands who has read the entry after what it had read before. */
export function placeAfter(place: LedgerPlace, { shard, sequence }: EntryPlace): LedgerPlace {
  const next = Array.from({ length: Math.max(place.length, shard + 1) }, (_, index) => place[index] ?? 0);
  next[shard] = sequence;
  return next;
}

/** Whether it names something that lies behind the end of the ledger. */
export function isBeyond(place: LedgerPlace, end: LedgerPlace): boolean {
  return place.some((sequence, shard) => sequence > (end[shard] ?? 0));
}

export function isSamePlace(one: LedgerPlace, other: LedgerPlace): boolean {
  return !isBeyond(one, other) && !isBeyond(other, one);
}
