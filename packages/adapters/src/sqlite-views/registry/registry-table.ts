import type { DatabaseSync } from "node:sqlite";
import type { RecordFault } from "@meterbook/core/domain/damage/damage";
import { registryDamage } from "@meterbook/core/domain/damage/registry-damage";
import type { EntityKey } from "@meterbook/core/domain/registry/master-data-change";
import type { MeterRecord } from "@meterbook/core/domain/registry/meter-record";
import type { OutageRecord } from "@meterbook/core/domain/registry/outage";
import type { UsagePointRecord } from "@meterbook/core/domain/registry/usage-point";
import type { TellDamage } from "@meterbook/core/ports/damage-log";
import type { VersionNote } from "@meterbook/core/ports/registry";
import type { Checked } from "@meterbook/core/records/checked-record";
import { checkMeterRecord } from "@meterbook/core/records/meter-record-protobuf";
import { checkOutage } from "@meterbook/core/records/registry/outage-protobuf";
import { checkUsagePoint } from "@meterbook/core/records/registry/usage-point-protobuf";
import { bigNumbers, isIntact } from "../file/row-checksum.ts";

/**
 * Every version of every entity, in the order in which they came. `body` is null where there is no record, or none any
 * more. `installed` names the meters that are or were at a point, but for a meter at the point of its own name.
 * `serial` has every serial number that a meter ever had, in capital letters: the record says which it has now.
 * `ending` has ids and serial numbers of meters from their last sign to their first, in capital letters.
 * `outage_at` has every place that an outage ever named, and `supplied` the points that a feeder ever supplied.
 */
export const registrySchema = `
  CREATE TABLE IF NOT EXISTS record (no INTEGER PRIMARY KEY, position INTEGER NOT NULL, kind INTEGER NOT NULL, entity TEXT NOT NULL,
    version INTEGER NOT NULL, recorded_at_ms INTEGER NOT NULL, caller TEXT NOT NULL, reason TEXT NOT NULL, change_id TEXT NOT NULL,
    body BLOB, checksum INTEGER NOT NULL);
  CREATE UNIQUE INDEX IF NOT EXISTS record_version ON record (kind, entity, version);
  CREATE TABLE IF NOT EXISTS installed (usage_point_id TEXT NOT NULL, meter_id TEXT NOT NULL, PRIMARY KEY (usage_point_id, meter_id)) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS serial (folded TEXT NOT NULL, meter_id TEXT NOT NULL, PRIMARY KEY (folded, meter_id)) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS ending (reversed TEXT NOT NULL, meter_id TEXT NOT NULL, PRIMARY KEY (reversed, meter_id)) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS outage_at (place TEXT NOT NULL, outage_id TEXT NOT NULL, PRIMARY KEY (place, outage_id)) WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS outage_places ON outage_at (outage_id);
  CREATE TABLE IF NOT EXISTS supplied (feeder TEXT NOT NULL, usage_point_id TEXT NOT NULL, PRIMARY KEY (feeder, usage_point_id)) WITHOUT ROWID;
`;

/** What the checksum of a row is over; the body has its own. */
export const recordColumns = [
  "no",
  "position",
  "kind",
  "entity",
  "version",
  "recorded_at_ms",
  "caller",
  "reason",
  "change_id",
] as const;

const kinds = ["meter", "usage-point", "outage"] as const satisfies readonly EntityKey["kind"][];

export function kindNumber(kind: EntityKey["kind"]): number {
  return kinds.indexOf(kind);
}

/** One version of one entity. */
export interface RecordRow extends VersionNote {
  readonly no: number;
  readonly position: number;
  readonly entity: EntityKey;
  readonly body: Uint8Array | null;
  readonly changeId: string;
  readonly isIntact: boolean;
}

export function recordRow(row: Record<string, unknown>): RecordRow {
  return {
    no: Number(row["no"]),
    position: Number(row["position"]),
    entity: { kind: kinds[Number(row["kind"])] ?? "meter", id: String(row["entity"]) },
    version: Number(row["version"]),
    recordedAtMs: Number(row["recorded_at_ms"]),
    by: String(row["caller"]),
    reason: String(row["reason"]),
    changeId: String(row["change_id"]),
    body: row["body"] as Uint8Array | null,
    isIntact: isIntact(row, recordColumns),
  };
}

/** What stands in a row: a record, none (null), or something that cannot be read (undefined), which is told. */
export interface ReadRecord {
  meter(row: RecordRow): MeterRecord | null | undefined;
  usagePoint(row: RecordRow): UsagePointRecord | null | undefined;
  outage(row: RecordRow): OutageRecord | null | undefined;
}

export interface RecordReaderOptions {
  readonly damaged: TellDamage;
  readonly nowMs: () => number;
  /** How the place of a position is called. */
  readonly whereOf: (position: number) => string;
}

export function recordReader({ damaged, nowMs, whereOf }: RecordReaderOptions): ReadRecord {
  function read<Of>(row: RecordRow, check: (id: string, body: unknown) => Checked<Of>): Of | null | undefined {
    const { entity, position, body } = row;
    if (row.isIntact && body === null) return null;
    const { record, fault } = row.isIntact ? check(entity.id, body) : { record: undefined, fault: rowFault };
    if (fault !== undefined) damaged(registryDamage(entity, whereOf(position), fault, nowMs()));
    return record;
  }
  return {
    meter: (row) => read(row, checkMeterRecord),
    usagePoint: (row) => read(row, checkUsagePoint),
    outage: (row) => read(row, checkOutage),
  };
}

const rowFault: RecordFault = { code: "checksum_mismatch", detail: "its values do not give its checksum" };

/** Why a row is not what was written. */
export function recordFault({ entity, body, isIntact: isSound }: RecordRow): RecordFault | undefined {
  return isSound ? bodyFault(entity, body) : rowFault;
}

/** Why bytes are not the record of an entity. */
export function bodyFault({ kind, id }: EntityKey, body: Uint8Array | null): RecordFault | undefined {
  if (body === null) return undefined;
  return checks[kind](id, body).fault;
}

const checks = { meter: checkMeterRecord, "usage-point": checkUsagePoint, outage: checkOutage } as const;

/** How a serial number is looked up. */
export function foldedSerial(serialNumber: string): string {
  return serialNumber.toUpperCase();
}

/** The same from its last sign to its first: what ends alike then begins alike. */
export function reversedName(name: string): string {
  return [...foldedSerial(name)].reverse().join("");
}

/** Where an outage is, as its index names it. */
export function pointPlace(usagePointId: string): string {
  return `usage-point/${usagePointId}`;
}

export function feederPlace(feeder: string): string {
  return `feeder/${feeder}`;
}

export const rowColumns = `${recordColumns.join(", ")}, body, checksum`;

/** Rows by their entity, as they are. */
export function recordRows(database: DatabaseSync) {
  const prepare = (where: string) => bigNumbers(database.prepare(`SELECT ${rowColumns} FROM record WHERE ${where}`));
  const newest = prepare("kind = ? AND entity = ? ORDER BY version DESC LIMIT 1");
  const asOf = prepare("kind = ? AND entity = ? AND position <= ? ORDER BY version DESC LIMIT 1");
  const one = prepare("kind = ? AND entity = ? AND version = ?");
  const before = prepare("kind = ? AND entity = ? AND version < ? ORDER BY version DESC LIMIT ?");
  const after = prepare("no > ? ORDER BY no LIMIT ?");
  // With max() SQLite takes the other columns from the row that has it.
  const ofKind = bigNumbers(
    database.prepare(
      `SELECT ${rowColumns}, max(version) AS newest FROM record WHERE kind = ? AND entity > ? GROUP BY entity ORDER BY entity`,
    ),
  );
  const last = database.prepare("SELECT position FROM record ORDER BY no DESC LIMIT 1");
  const at = database.prepare("SELECT meter_id FROM installed WHERE usage_point_id = ?");
  const serials = database.prepare(
    "SELECT meter_id FROM serial WHERE folded >= ? AND folded < ? ORDER BY folded, meter_id",
  );
  const endings = database.prepare(
    "SELECT meter_id FROM ending WHERE reversed >= ? AND reversed < ? ORDER BY reversed, meter_id",
  );
  const outagesAt = database.prepare("SELECT outage_id FROM outage_at WHERE place = ?");
  const placesOf = database.prepare("SELECT place FROM outage_at WHERE outage_id = ?");
  const supplied = database.prepare("SELECT usage_point_id FROM supplied WHERE feeder = ?");
  const found = (row: Record<string, unknown> | undefined) => (row === undefined ? undefined : recordRow(row));
  return {
    newest: ({ kind, id }: EntityKey) => found(newest.get(kindNumber(kind), id)),
    asOf: ({ kind, id }: EntityKey, position: number) => found(asOf.get(kindNumber(kind), id, position)),
    one: ({ kind, id }: EntityKey, version: number) => found(one.get(kindNumber(kind), id, version)),
    before: ({ kind, id }: EntityKey, version: number, limit: number) =>
      before.all(kindNumber(kind), id, version, limit).map(recordRow),
    after: (no: number, limit: number) => after.all(no, limit).map(recordRow),
    *ofKind(kind: EntityKey["kind"], afterId: string): Generator<RecordRow> {
      for (const row of ofKind.iterate(kindNumber(kind), afterId)) yield recordRow(row);
    },
    /** Meters that have, or once had, a serial number that begins so. */
    *withSerial(folded: string): Generator<string> {
      for (const row of serials.iterate(folded, `${folded}\u{10FFFF}`)) yield String(row["meter_id"]);
    },
    /** Meters whose id ends so, or who have, or once had, a serial number that does: `reversed` is the ending. */
    *withEnding(reversed: string): Generator<string> {
      for (const row of endings.iterate(reversed, `${reversed}\u{10FFFF}`)) yield String(row["meter_id"]);
    },
    lastPosition: () => Number(last.get()?.["position"] ?? 0),
    /** The meters that are or were at a point; one of its own name may not exist. */
    metersAt: (usagePointId: string) =>
      [...new Set([usagePointId, ...at.all(usagePointId).map((row) => String(row["meter_id"]))])].sort(),
    /** Outages that name or once named one of the places, each once. */
    outagesAt: (places: readonly string[]) =>
      [...new Set(places.flatMap((place) => outagesAt.all(place).map((row) => String(row["outage_id"]))))].sort(),
    /** The points that an outage touches or once touched. */
    pointsWithout: (outageId: string) =>
      placesOf.all(outageId).flatMap((row) => {
        const place = String(row["place"]);
        const id = place.slice(place.indexOf("/") + 1);
        if (place === pointPlace(id)) return [id];
        return supplied.all(id).map((one) => String(one["usage_point_id"]));
      }),
  };
}
export type RecordRows = ReturnType<typeof recordRows>;
