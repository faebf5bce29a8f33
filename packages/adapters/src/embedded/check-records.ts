import type { DatabaseSync } from "node:sqlite";
import type { DamageCode } from "@meterbook/core/domain/damage";
import type { Columns } from "@meterbook/core/domain/reading";
import { revisionPlace } from "@meterbook/core/domain/revision-place";
import type { Snapshot } from "@meterbook/core/domain/snapshot";
import { checkFrame } from "@meterbook/core/wire/frame-protobuf";
import { checkMeterRecord } from "@meterbook/core/wire/meter-record-protobuf";
import { contentHash, readLedgerRecord } from "../views/ledger-record.ts";
import type { FileName } from "./directory-files.ts";
import { epoch, unpackBlock } from "./reading-block.ts";
import { dayOfHotId, dayOfSealedId, daySeconds, meterNoOfHotId, meterNoOfSealedId } from "./series-database.ts";

/** A row whose bytes are not what they were, or not what they say. */
export interface WrongRow {
  readonly file: FileName;
  readonly code: DamageCode;
  readonly where: string;
  readonly detail: string;
  readonly meterId: string | null;
}

export interface Checked {
  readonly rows: number;
  readonly bytes: number;
  readonly wrong: readonly WrongRow[];
  /** The key of the last row; undefined where there was none. */
  readonly lastKey: number | undefined;
}

/** Tables of records with a whole number as key; the registry, whose key is a name, goes by position. */
export const checkedTables = ["ledger", "frame", "sealed", "hot", "record"] as const;
export type CheckedTable = (typeof checkedTables)[number];

export const fileOfTable: Readonly<Record<CheckedTable, FileName>> = {
  ledger: "ledger",
  frame: "log",
  sealed: "series",
  hot: "series",
  record: "registry",
};

const keyOfTable = { ledger: "sequence", frame: "position", sealed: "id", hot: "id", record: "position" } as const;
const bodyOfTable = { ledger: "body", frame: "body", sealed: "data", hot: "data", record: "body" } as const;

type Found = Omit<WrongRow, "file">;
type CheckRow = (key: number, body: Uint8Array | string) => Found | undefined;

/** Checks rows by their keys; one at a time, and as many as one wants. */
export function tableCheck(database: DatabaseSync, table: CheckedTable) {
  const [key, body] = [keyOfTable[table], bodyOfTable[table]];
  const rows = database.prepare(
    `SELECT ${key}, ${body} FROM ${table} WHERE ${key} >= ? AND ${key} <= ? ORDER BY ${key} LIMIT ?`,
  );
  rows.setReturnArrays(true);
  const edges = database.prepare(`SELECT min(${key}) AS first, max(${key}) AS last FROM ${table}`);
  const checkRow = rowChecks[table](database);

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
      for (const row of rows.iterate(from, to, limit) as unknown as Iterable<[number, Uint8Array | string]>) {
        const [number, content] = row;
        const found = checkRow(number, content);
        if (found !== undefined) wrong.push({ file: fileOfTable[table], ...found });
        count += 1;
        bytes += content.length;
        lastKey = number;
      }
      return { rows: count, bytes, wrong, lastKey };
    },
  };
}

const rowChecks: Readonly<Record<CheckedTable, (database: DatabaseSync) => CheckRow>> = {
  ledger: ledgerCheck,
  frame: () => (position, body) => {
    const [fault] = checkFrame(body as Uint8Array).faults;
    return fault === undefined ? undefined : { ...fault, where: `position ${position}` };
  },
  sealed: (database) => blockCheck(database, meterNoOfSealedId, dayOfSealedId),
  hot: (database) => blockCheck(database, meterNoOfHotId, dayOfHotId),
  record: registryCheck,
};

function registryCheck(database: DatabaseSync): CheckRow {
  const owner = database.prepare("SELECT meter_id FROM record WHERE position = ?");
  return (position, body) => {
    const meterId = String(owner.get(position)?.["meter_id"] ?? "");
    const checked = checkMeterRecord(meterId, body);
    return "record" in checked ? undefined : { ...checked.fault, where: `position ${position}`, meterId };
  };
}

function ledgerCheck(database: DatabaseSync): CheckRow {
  const place = database.prepare("SELECT sequence FROM revision WHERE period = ? AND meter_id = ? AND revision = ?");
  place.setReturnArrays(true);
  const keyOf = database.prepare("SELECT period, meter_id, revision FROM revision WHERE sequence = ?");
  keyOf.setReturnArrays(true);
  return (sequence, body) => {
    const record = readLedgerRecord(body as Uint8Array);
    if (record.snapshot === undefined) {
      const key = keyOf.get(sequence) as unknown as [number, string, number] | undefined;
      const [where, meterId] =
        key === undefined
          ? [`sequence ${sequence}`, null]
          : [revisionPlace({ period: key[0], meterId: key[1], revision: key[2] }), key[1]];
      return { code: record.code, where, detail: record.detail, meterId };
    }
    const { snapshot } = record;
    if (contentHash(snapshot) !== snapshot.hash) return wrongSnapshot(snapshot, "hash_mismatch");
    const { period, meterId, revision } = snapshot;
    const [listed] = (place.get(period, meterId, revision) ?? []) as unknown as number[];
    return listed === sequence ? undefined : wrongSnapshot(snapshot, "key_mismatch");
  };
}

const details = {
  hash_mismatch: "its content does not give the hash that it was issued with",
  key_mismatch: "the list of revisions does not lead to it",
} as const;

function wrongSnapshot(snapshot: Snapshot, code: keyof typeof details): Found {
  return { code, where: revisionPlace(snapshot), detail: details[code], meterId: snapshot.meterId };
}

/** A block holds readings of its meter's channels, within its day. */
function blockCheck(
  database: DatabaseSync,
  meterNoOf: (id: number) => number,
  dayOf: (id: number) => number,
): CheckRow {
  const meters = database.prepare("SELECT meter_id, json_array_length(channels) FROM meter WHERE no = ?");
  meters.setReturnArrays(true);
  const columns = new Map<number, Columns>();
  return (id, body) => {
    const [meterId, channels] = (meters.get(meterNoOf(id)) ?? []) as unknown as [string | undefined, number];
    const from = epoch + dayOf(id) * daySeconds;
    const where = `${meterId ?? `meter ${meterNoOf(id)}`} ${new Date(from * 1000).toISOString().slice(0, 10)}`;
    if (meterId === undefined) return { code: "key_mismatch", where, detail: "there is no such meter", meterId: null };
    const found = attempt(where, () => {
      columns.clear();
      unpackBlock(body as Uint8Array, id, columns);
      for (const [index, { at }] of columns) {
        if (index >= channels) return { code: "record_unreadable", detail: `the meter has no channel ${index}` };
        if (!at.every((instant) => instant >= from && instant < from + daySeconds)) {
          return { code: "key_mismatch", detail: "a reading is of another day" };
        }
      }
      return undefined;
    });
    return found === undefined ? undefined : { ...found, meterId };
  };
}

function attempt(where: string, work: () => Pick<Found, "code" | "detail"> | undefined): Found | undefined {
  try {
    const found = work();
    return found === undefined ? undefined : { ...found, where, meterId: null };
  } catch (error) {
    return { code: "record_unreadable", where, detail: messageOf(error), meterId: null };
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
