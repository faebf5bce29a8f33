import { pointsOf } from "@meterbook/core/domain/registry/installations";
import type { EntityKey } from "@meterbook/core/domain/registry/master-data-change";
import type { MeterRecord } from "@meterbook/core/domain/registry/meter-record";
import { type OutageRecord, stretchOf } from "@meterbook/core/domain/registry/outage";
import type { UsagePointRecord } from "@meterbook/core/domain/registry/usage-point";
import { common } from "@meterbook/core/domain/time/stretches";
import type { Registry } from "@meterbook/core/ports/registry";
import { atMost } from "./at-most.ts";
import { feederPlace, pointPlace, type ReadRecord, type RecordRows } from "./registry-table.ts";

export function outageKey(id: string): EntityKey {
  return { kind: "outage", id };
}

/** Records that are kept read, so that an outage of many places is not read again for each of their meters. */
const keptMax = 1000;

/** Outages in the order of their ids, and those of a meter. */
export function outageReads(rows: RecordRows, read: ReadRecord) {
  const kept = new Map<string, { readonly version: number; readonly record: OutageRecord }>();
  function outageAsOf(id: string, position: number): OutageRecord | undefined {
    const row = rows.asOf(outageKey(id), position);
    if (row === undefined) return undefined;
    const known = kept.get(id);
    if (known?.version === row.version) return known.record;
    const record = read.outage(row);
    // What cannot be read is told each time.
    if (!record) return undefined;
    if (kept.size >= keptMax) kept.clear();
    kept.set(id, { version: row.version, record });
    return record;
  }

  return {
    /** Those that touch a meter's points, or did before they were put right. One that cannot be read is none. */
    outagesOf(record: MeterRecord, points: readonly UsagePointRecord[], position: number): readonly OutageRecord[] {
      const feeders = points.flatMap(({ feeder = [] }) => feeder.map(({ value }) => feederPlace(value)));
      const ids = rows.outagesAt([...pointsOf(record).map(pointPlace), ...feeders]);
      return ids.flatMap((id) => outageAsOf(id, position) ?? []);
    },
    outages: (async ({ from = Number.NEGATIVE_INFINITY, to = Number.POSITIVE_INFINITY, afterOutageId = "", limit }) =>
      atMost(limit, rows.ofKind("outage", afterOutageId), (row) => {
        const record = read.outage(row);
        if (!record || common(stretchOf(record), { from, to }).length === 0) return undefined;
        const { version, recordedAtMs, by, reason } = row;
        return { outageId: row.entity.id, version, recordedAtMs, by, reason, record };
      })) satisfies Registry["outages"],
  };
}
