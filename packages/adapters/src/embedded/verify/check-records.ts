import type { DatabaseSync, StatementSync } from "node:sqlite";
import { revisionPlace } from "@meterbook/core/domain/snapshot/revision-place";
import type { Snapshot } from "@meterbook/core/domain/snapshot/snapshot";
import { checkFrame } from "@meterbook/core/records/frame-protobuf";
import { decodeRead, numberOf } from "../../sqlite-views/audit-log/audit-table.ts";
import { damageColumns, mendingColumns, wordColumns } from "../../sqlite-views/damage-log/damage-table.ts";
import { bigNumbers, cellOf, cellsChecksum } from "../../sqlite-views/file/row-checksum.ts";
import { contentHash, readLedgerRecord } from "../../sqlite-views/ledger/ledger-record.ts";
import { placeOfRow, placeWords } from "../../sqlite-views/ledger/ledger-row.ts";
import { messageColumns, placeOfEntry, refusalColumns } from "../../sqlite-views/rejected-log/rejection-table.ts";
import { type FileKind, type FileName, kindOf, shardOf } from "../directory/directory-files.ts";
import { placeOfFrame } from "../readings-log/frame-key.ts";
import { bytesOf } from "../readings-log/readings-log-database.ts";
import { conflictColumns } from "../series/conflict-table.ts";
import { meterColumns } from "../series/meter-table.ts";
import { placeInShard } from "../series/series-damage.ts";
import { dayOfHotId, dayOfSealedId, meterNoOfHotId, meterNoOfSealedId } from "../series/series-database.ts";
import { progressColumns } from "../series/series-progress.ts";
import { blockCheck, type CheckRow, type Found } from "./check-blocks.ts";
import { leafCheck } from "./check-seals.ts";
import { registryCheck } from "./registry-rows.ts";
import type { WrongRow } from "./wrong-row.ts";

export interface Checked {
  readonly rows: number;
  readonly bytes: number;
  readonly wrong: readonly WrongRow[];
  /** The key of the last row; undefined where there was none. */
  readonly lastKey: number | undefined;
}

export const checkedTables = [
  "ledger",
  "frame",
  "sealed",
  "hot",
  "record",
  "meter",
  "meter_copy",
  "conflict",
  "progress",
  "progress_copy",
  "refused_message",
  "refusal",
  "damage",
  "acknowledgement",
  "repair_order",
  "mending",
  "personal_read",
] as const;
export type CheckedTable = (typeof checkedTables)[number];

interface TableCheck {
  readonly file: FileKind;
  /** A whole number. */
  readonly key: string;
  readonly columns: readonly string[];
  readonly check: (database: DatabaseSync, places: PlaceCheck) => CheckRow;
}

const tables: Readonly<Record<CheckedTable, TableCheck>> = {
  ledger: { file: "ledger", key: "sequence", columns: ["body", "leaf"], check: ledgerCheck },
  frame: { file: "log", key: "position", columns: ["body"], check: () => frameCheck },
  sealed: {
    file: "series",
    key: "id",
    columns: ["data"],
    check: (database) => blockCheck(database, meterNoOfSealedId, dayOfSealedId),
  },
  hot: {
    file: "series",
    key: "id",
    columns: ["data"],
    check: (database) => blockCheck(database, meterNoOfHotId, dayOfHotId),
  },
  record: { file: "registry", key: "no", columns: ["body"], check: registryCheck },
  meter: rowTable("series", "no", meterColumns, (no) => `meter number ${no}`),
  meter_copy: rowTable("series", "no", meterColumns, (no) => `copy of meter number ${no}`),
  conflict: rowTable("series", "id", conflictColumns, (id) => `conflict ${id}`),
  progress: rowTable("series", "partition", progressColumns, (partition) => `progress of partition ${partition}`),
  progress_copy: rowTable(
    "series",
    "partition",
    progressColumns,
    (partition) => `progress_copy of partition ${partition}`,
  ),
  refused_message: rowTable("rejected", "place", messageColumns, (place) => `message ${place}`),
  refusal: rowTable("rejected", "id", refusalColumns, (id) => {
    const { place, number } = placeOfEntry(id);
    return `message ${place} refusal ${number}`;
  }),
  damage: rowTable("damage", "rowid", damageColumns, (_, id) => `entry ${id}`),
  acknowledgement: rowTable("damage", "rowid", wordColumns, (_, id) => `word about ${id}`),
  repair_order: rowTable("damage", "rowid", wordColumns, (_, id) => `order about ${id}`),
  mending: rowTable("damage", "rowid", mendingColumns, (_, id) => `mending of ${id}`),
  personal_read: {
    file: "audit",
    key: "id",
    columns: ["at_ms", "caller", "subject", "subject_id", "body"],
    check: () => readCheck,
  },
};

/** A table in a file. */
export interface TableIn {
  readonly file: FileName;
  readonly table: CheckedTable;
}

/** The parts of a directory's tables: of a table each file that has it. */
export function tablesIn(names: readonly FileName[]): TableIn[] {
  return checkedTables.flatMap((table) =>
    names.filter((name) => kindOf(name) === tables[table].file).map((file) => ({ file, table })),
  );
}

/** A table whose rows have a checksum over their other columns. */
function rowTable(
  file: FileKind,
  key: string,
  columns: readonly string[],
  whereOf: (key: number, first: unknown) => string,
): TableCheck {
  const detail = "its values do not give its checksum";
  return {
    file,
    key,
    columns: [...columns, "checksum"],
    check: () => (number, row, shard) => {
      if (cellsChecksum(row.slice(1, -1).map(cellOf)) === Number(row.at(-1))) return undefined;
      return { code: "checksum_mismatch", where: placeInShard(shard, whereOf(number, row[1])), detail, meterId: null };
    },
  };
}

/** Looks at whether the list of revisions leads to the records of the ledger. */
export interface PlaceCheck {
  /** Whether it leads there, as far as is known yet. */
  leadsTo(sequence: number, snapshot: Snapshot): boolean;
  /** A record that does not say which revision it is. */
  unreadable(sequence: number): void;
}

/** Checks rows by their keys, one at a time, as many as wanted. Without `places`, each place is looked up. */
export function tableCheck(database: DatabaseSync, { file, table }: TableIn, places?: PlaceCheck) {
  const { key, columns, check } = tables[table];
  const shard = shardOf(file);
  const rows = database.prepare(
    `SELECT ${[key, ...columns].join(", ")} FROM ${table} WHERE ${key} >= ? AND ${key} <= ? ORDER BY ${key} LIMIT ?`,
  );
  rows.setReturnArrays(true);
  if (columns.length > 1 && table !== "ledger") bigNumbers(rows);
  const edges = database.prepare(`SELECT min(${key}) AS first, max(${key}) AS last FROM ${table}`);
  const checkRow = check(database, places ?? placeLookUp(database));

  return {
    /** The least and the greatest key; undefined where there is no row. */
    range(): { first: number; last: number } | undefined {
      const row = edges.get();
      return row === undefined || row["first"] === null
        ? undefined
        : { first: Number(row["first"]), last: Number(row["last"]) };
    },
    check(from: number, to: number, limit: number): Checked {
      const wrong: WrongRow[] = [];
      let [count, bytes] = [0, 0];
      let lastKey: number | undefined;
      for (const row of rowsAtOnce(table, rows, { from, to, limit })) {
        lastKey = Number(row[0]);
        const found = checkRow(lastKey, row, shard);
        if (found !== undefined) wrong.push({ file, ...found });
        count += 1;
        for (const cell of row) bytes += cell instanceof Uint8Array || typeof cell === "string" ? cell.length : 8;
      }
      return { rows: count, bytes, wrong, lastKey };
    },
  };
}

/** Snapshots are small: SQLite hands some over in one go for less than one by one. Others may be of megabytes. */
const snapshotsAtOnce = 250;

function* rowsAtOnce(
  table: CheckedTable,
  rows: StatementSync,
  { from, to, limit }: { readonly from: number; readonly to: number; readonly limit: number },
): Generator<readonly unknown[]> {
  if (table !== "ledger") {
    yield* rows.iterate(from, to, limit) as unknown as Iterable<readonly unknown[]>;
    return;
  }
  let left = limit;
  for (let next: number | undefined = from; next !== undefined && left > 0; ) {
    const size = Math.min(snapshotsAtOnce, left);
    const page: readonly (readonly unknown[])[] = rows.all(next, to, size) as unknown as unknown[][];
    yield* page;
    left -= page.length;
    next = page.length === size ? Number(page.at(-1)?.[0]) + 1 : undefined;
  }
}

function frameCheck(key: number, [, body]: readonly unknown[]): Found | undefined {
  const [fault] = checkFrame(bytesOf(body)).faults;
  const { partition, offset } = placeOfFrame(key);
  return fault === undefined ? undefined : { ...fault, where: placeInShard(partition, `position ${offset}`) };
}

/** What is searched by stands beside the entry, and has to be what the entry says. */
function readCheck(id: number, [, atMs, caller, subject, subjectId, body]: readonly unknown[]): Found | undefined {
  const where = `read ${id}`;
  const read = decodeRead(bytesOf(body));
  if (read === undefined)
    return { code: "record_unreadable", where, detail: "its bytes are not an entry with its checksum", meterId: null };
  const said = [read.atMs, read.caller, numberOf(read.subject), read.subjectId];
  if ([Number(atMs), caller, Number(subject), subjectId].every((cell, i) => cell === said[i])) return undefined;
  return { code: "key_mismatch", where, detail: "it stands under what it does not say", meterId: null };
}

/** Asks the list of revisions for each. */
export function placeLookUp(database: DatabaseSync): PlaceCheck {
  let place: StatementSync | undefined;
  return {
    leadsTo(sequence, { period, meterId, revision }) {
      // Not every file has this table.
      place ??= database.prepare("SELECT sequence FROM revision WHERE period = ? AND meter_id = ? AND revision = ?");
      return place.get(period, meterId, revision)?.["sequence"] === sequence;
    },
    unreadable: () => undefined,
  };
}

function ledgerCheck(database: DatabaseSync, places: PlaceCheck): CheckRow {
  const keyOf = database.prepare("SELECT period, meter_id, revision FROM revision WHERE sequence = ?");
  keyOf.setReturnArrays(true);
  const isLeaf = leafCheck(database);
  return (sequence, [, body, leaf]) => {
    const record = readLedgerRecord(bytesOf(body));
    if (record.snapshot === undefined) {
      places.unreadable(sequence);
      const key = keyOf.get(sequence) as unknown as [number, string, number] | undefined;
      const [where, meterId] =
        key === undefined
          ? [placeWords(placeOfRow(sequence)), null]
          : [revisionPlace({ period: key[0], meterId: key[1], revision: key[2] }), key[1]];
      return { code: record.code, where, detail: record.detail, meterId };
    }
    const { snapshot } = record;
    const isPlaced = places.leadsTo(sequence, snapshot);
    if (contentHash(snapshot) !== snapshot.hash) return wrongSnapshot(snapshot, "hash_mismatch");
    if (!isPlaced) return wrongSnapshot(snapshot, "key_mismatch");
    const { shard } = placeOfRow(sequence);
    const isSealed = isLeaf(shard, snapshot.period, Number(leaf), bytesOf(body));
    return isSealed ? undefined : wrongSnapshot(snapshot, "seal_mismatch");
  };
}

const details = {
  hash_mismatch: "its content does not give the hash that it was issued with",
  key_mismatch: "the list of revisions does not lead to it",
  seal_mismatch: "it is not the record that stands under the period's tree",
} as const;

export function wrongSnapshot(snapshot: Snapshot, code: keyof typeof details): Found {
  return { code, where: revisionPlace(snapshot), detail: details[code], meterId: snapshot.meterId };
}
