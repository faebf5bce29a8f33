import type { DatabaseSync } from "node:sqlite";
import { pointsOf } from "@meterbook/core/domain/registry/installations";
import type { EntityKey } from "@meterbook/core/domain/registry/master-data-change";
import type { MeterRecord } from "@meterbook/core/domain/registry/meter-record";
import type { OutageRecord } from "@meterbook/core/domain/registry/outage";
import { type RegisteredMeter, withPoints } from "@meterbook/core/domain/registry/registered-meter";
import type { UsagePointRecord } from "@meterbook/core/domain/registry/usage-point";
import { AdapterError } from "@meterbook/core/ports/adapter-error";
import type { Registry, Versioned } from "@meterbook/core/ports/registry";
import { atMost } from "./at-most.ts";
import { labelReads } from "./label-reads.ts";
import { outageKey, outageReads } from "./outage-reads.ts";
import { type ReadRecord, type RecordRow, type RecordRows, recordRows } from "./registry-table.ts";

export interface RegistryReads
  extends Pick<
    Registry,
    | "get"
    | "list"
    | "meterVersion"
    | "usagePoint"
    | "usagePoints"
    | "metersAt"
    | "metersBySerial"
    | "metersByEnding"
    | "outage"
    | "outages"
    | "versions"
  > {
  readonly rows: RecordRows;
  /**
   * A meter's record with those of its points, all as of a position; null where there is none, undefined where it, or
   * that of a point, cannot be read.
   */
  meterAsOf(meterId: string, position: number): RegisteredMeter | null | undefined;
}

export function registryReads(database: DatabaseSync, read: ReadRecord): RegistryReads {
  const rows = recordRows(database);
  const meterKey = (id: string): EntityKey => ({ kind: "meter", id });
  const { outages, outagesOf } = outageReads(rows, read);
  const pointKey = (id: string): EntityKey => ({ kind: "usage-point", id });

  function meterAsOf(meterId: string, position: number): RegisteredMeter | null | undefined {
    const row = rows.asOf(meterKey(meterId), position);
    const record = row === undefined ? null : read.meter(row);
    if (record === null || record === undefined) return record;
    const points = pointsOf(record).map((id) => pointAsOf(id, position));
    if (points.includes(undefined)) return undefined;
    const byId = new Map(points.flatMap((point) => (point ? [[point.usagePointId, point]] : [])));
    return withPoints(record, (id) => byId.get(id), outagesOf(record, [...byId.values()], position));
  }

  function pointAsOf(id: string, position: number): UsagePointRecord | null | undefined {
    const row = rows.asOf(pointKey(id), position);
    return row === undefined ? null : read.usagePoint(row);
  }

  function versioned<Of>(row: RecordRow | undefined, record: (row: RecordRow) => Of | null | undefined) {
    if (row === undefined) return undefined;
    const found = record(row);
    if (found === undefined) throw damaged(row.entity);
    const { version, recordedAtMs, by, reason } = row;
    return { version, recordedAtMs, by, reason, record: found } satisfies Versioned<Of>;
  }

  const rowOf = (key: EntityKey, version: number | undefined) =>
    version === undefined ? rows.newest(key) : rows.one(key, version);

  return {
    rows,
    meterAsOf,
    async get(meterId) {
      const found = meterAsOf(meterId, Number.MAX_SAFE_INTEGER);
      if (found === undefined) throw damaged(meterKey(meterId));
      return found ?? undefined;
    },
    list: async ({ afterMeterId = "", limit }) =>
      atMost(limit, rows.ofKind("meter", afterMeterId), (row) => read.meter(row) ?? undefined),
    meterVersion: async (id, version) => versioned<MeterRecord>(rowOf(meterKey(id), version), read.meter),
    usagePoint: async (id, version) => versioned<UsagePointRecord>(rowOf(pointKey(id), version), read.usagePoint),
    usagePoints: async ({ afterUsagePointId = "", limit }) =>
      atMost(limit, rows.ofKind("usage-point", afterUsagePointId), (row) => {
        const record = read.usagePoint(row);
        if (record === undefined) return undefined;
        const { version, recordedAtMs, by, reason } = row;
        return { usagePointId: row.entity.id, version, recordedAtMs, by, reason, record };
      }),
    async metersAt(usagePointId) {
      const records = rows.metersAt(usagePointId).flatMap((id) => {
        const row = rows.newest(meterKey(id));
        const record = row === undefined ? null : read.meter(row);
        if (record === undefined) throw damaged(meterKey(id));
        return record ?? [];
      });
      return records.filter((record) => pointsOf(record).includes(usagePointId));
    },
    ...labelReads(rows, read),
    outage: async (id, version) => versioned<OutageRecord>(rowOf(outageKey(id), version), read.outage),
    outages,
    versions: async (entity, { before = Number.MAX_SAFE_INTEGER, limit }) =>
      rows
        .before(entity, before, limit)
        .map(({ version, recordedAtMs, by, reason }) => ({ version, recordedAtMs, by, reason })),
  };
}

function damaged({ kind, id }: EntityKey): AdapterError {
  const owners = {
    meter: `meter ${id}, or of a point where it is or was,`,
    "usage-point": `usage point ${id}`,
    outage: `outage ${id}`,
  };
  const detail = `the master data of ${owners[kind]} cannot be read (GET /v1/damage names them): put them again`;
  return new AdapterError("record_damaged", { retryable: false, detail });
}
