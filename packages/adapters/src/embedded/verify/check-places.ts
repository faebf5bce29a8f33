import type { DatabaseSync } from "node:sqlite";
import { revisionPlace } from "@meterbook/core/domain/snapshot/revision-place";
import { readLedgerRecord } from "../../sqlite-views/ledger/ledger-record.ts";
import type { FileName } from "../directory/directory-files.ts";
import { type PlaceCheck, placeLookUp, wrongSnapshot } from "./check-records.ts";
import {
  isSameSum,
  less,
  listedRevisions,
  noRevisions,
  type RevisionSum,
  revisionSummer,
  revisionsListedAt,
  together,
} from "./revision-sums.ts";
import type { WrongRow } from "./wrong-row.ts";

/** What was met of the ledger, to be compared with the list of revisions when all is read. */
export interface PlacesMet {
  readonly sum: RevisionSum;
  /** Places of records that do not say which revision they are. */
  readonly unreadable: readonly number[];
}

export const nothingMet: PlacesMet = { sum: noRevisions, unreadable: [] };

export function metTogether(one: PlacesMet, other: PlacesMet): PlacesMet {
  return { sum: together(one.sum, other.sum), unreadable: [...one.unreadable, ...other.unreadable] };
}

/** Adds up where records stand instead of looking each one up. */
export function summedPlaces(): PlaceCheck & { met(): PlacesMet } {
  const summer = revisionSummer();
  const unreadable: number[] = [];
  return {
    leadsTo(sequence, snapshot) {
      summer.add(sequence, snapshot);
      return true;
    },
    unreadable: (sequence) => void unreadable.push(sequence),
    met: () => ({ sum: summer.sum(), unreadable }),
  };
}

/** Finds where the list of revisions and the records do not match. Each one is looked up only if the sums differ. */
export function wrongPlaces(database: DatabaseSync, file: FileName, { sum, unreadable }: PlacesMet): WrongRow[] {
  const listed = listedRevisions(database);
  const others = unreadable.length === 0 ? listed : less(listed, revisionsListedAt(database, unreadable));
  return isSameSum(sum, others) ? [] : [...misplaced(database, file), ...withoutRecord(database, file)];
}

/** Records to which the list does not lead. */
function* misplaced(database: DatabaseSync, file: FileName): Generator<WrongRow> {
  const places = placeLookUp(database);
  for (const { sequence, body } of database.prepare("SELECT sequence, body FROM ledger").iterate()) {
    const { snapshot } = readLedgerRecord(body as Uint8Array);
    if (snapshot === undefined || places.leadsTo(Number(sequence), snapshot)) continue;
    yield { file, ...wrongSnapshot(snapshot, "key_mismatch") };
  }
}

function* withoutRecord(database: DatabaseSync, file: FileName): Generator<WrongRow> {
  const rows = database.prepare(`SELECT period, meter_id, revision FROM revision
    WHERE NOT EXISTS (SELECT 1 FROM ledger WHERE ledger.sequence = revision.sequence)`);
  for (const { period, meter_id, revision } of rows.iterate()) {
    const meterId = String(meter_id);
    const where = revisionPlace({ period: Number(period), meterId, revision: Number(revision) });
    yield {
      file,
      code: "records_lost",
      where,
      detail: "it is listed, and there is no record of it",
      meterId,
    };
  }
}
