import type { DatabaseSync } from "node:sqlite";
import type { LedgerKey } from "../../sqlite-views/ledger/ledger-record.ts";

/**
 * A sum over pairs of a revision and its place in the ledger; the order of the pairs does not matter. If the sum over
 * the list of revisions equals the sum over the records, the list leads to each record. Looking each one up takes ten
 * times as long. The sum has 64 bits: two that differ agree by chance once in 10^19.
 */
export interface RevisionSum {
  readonly low: number;
  readonly high: number;
}

export interface RevisionSummer {
  add(sequence: number, key: LedgerKey): void;
  sum(): RevisionSum;
}

export const noRevisions: RevisionSum = { low: 0, high: 0 };

export function revisionSummer(): RevisionSummer {
  let [low, high] = [0, 0];
  return {
    add(sequence, { meterId, period, revision }) {
      let hash = 0x811c9dc5;
      for (let i = 0; i < meterId.length; i += 1) hash = Math.imul(hash ^ meterId.charCodeAt(i), 0x01000193);
      hash = mixed(hash ^ sequence) ^ Math.floor(sequence / 2 ** 32);
      const key = Math.imul(period, 0x9e3779b1) ^ Math.imul(revision, 0x85ebca77);
      low = (low + mixed(hash ^ key)) | 0;
      high = (high + mixed((hash + 0x27d4eb2f) ^ Math.imul(key, 0xc2b2ae3d))) | 0;
    },
    sum: () => ({ low, high }),
  };
}

export function together(one: RevisionSum, other: RevisionSum): RevisionSum {
  return { low: (one.low + other.low) | 0, high: (one.high + other.high) | 0 };
}

export function less(one: RevisionSum, other: RevisionSum): RevisionSum {
  return { low: (one.low - other.low) | 0, high: (one.high - other.high) | 0 };
}

export function isSameSum(one: RevisionSum, other: RevisionSum): boolean {
  return one.low === other.low && one.high === other.high;
}

type Row = [sequence: number, meterId: string, period: number, revision: number];
/** SQLite hands over some rows in one go for a third less than one by one. */
const rowsAtOnce = 500;

/** Of the list of revisions. */
export function listedRevisions(database: DatabaseSync): RevisionSum {
  const page = database.prepare(`SELECT sequence, meter_id, period, revision FROM revision
    WHERE (period, meter_id, revision) > (?, ?, ?) ORDER BY period, meter_id, revision LIMIT ${rowsAtOnce}`);
  page.setReturnArrays(true);
  const summer = revisionSummer();
  for (let after: readonly [number, string, number] | undefined = [0, "", 0]; after !== undefined; ) {
    const rows: readonly Row[] = page.all(...after) as unknown as Row[];
    for (const [sequence, meterId, period, revision] of rows) summer.add(sequence, { meterId, period, revision });
    const last: Row | undefined = rows.length === rowsAtOnce ? rows.at(-1) : undefined;
    after = last === undefined ? undefined : [last[2], last[1], last[3]];
  }
  return summer.sum();
}

/** Of those that lead to these places. */
export function revisionsListedAt(database: DatabaseSync, places: readonly number[]): RevisionSum {
  const rows = database.prepare(`SELECT sequence, meter_id, period, revision FROM revision
    WHERE sequence IN (SELECT value FROM json_each(?))`);
  rows.setReturnArrays(true);
  const summer = revisionSummer();
  for (const [sequence, meterId, period, revision] of rows.all(JSON.stringify(places)) as unknown as Row[])
    summer.add(sequence, { meterId, period, revision });
  return summer.sum();
}

/** The last step of murmur3: each bit of what goes in changes half of what comes out. */
function mixed(number: number): number {
  let hash = Math.imul(number ^ (number >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return hash ^ (hash >>> 16);
}
