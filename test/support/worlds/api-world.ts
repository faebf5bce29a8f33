import type { RegisterSnapshot, Snapshot } from "@meterbook/core/domain/snapshot/snapshot";
import { parsePeriod } from "@meterbook/core/domain/snapshot/snapshot";
import type { StoredRejection } from "@meterbook/core/ports/rejected-log";
import { onTestFinished } from "vitest";
import type { Api } from "../../../services/api/src/api-context.ts";
import type { ApiPorts } from "../../../services/api/src/api-ports.ts";
import type { ApiSettings } from "../../../services/api/src/api-settings.ts";
import type { ApiObservers, ServedApi } from "../../../services/api/src/serve-api.ts";
import { buildApi, serveApi } from "../../../services/api/src/serve-api.ts";
import { instant } from "../readings.ts";
import {
  memoryAuditLog,
  memoryBillingLog,
  memoryDamageLog,
  memoryGapLog,
  memoryGroupSums,
  memoryJobLog,
  memoryReadingsLog,
  memoryRegistry,
  memoryRejectedLog,
  memorySeries,
  memorySnapshots,
} from "./memory-ports.ts";

/** An API on ports in memory, at a moment after October 2026 has become final. */
export interface ApiWorld {
  readonly ports: ApiPorts;
  readonly settings: ApiSettings;
}

export function apiWorld(ports: Partial<ApiPorts> = {}, settings: Partial<ApiSettings> = {}): ApiWorld {
  const clock = { nowMs: () => instant("2026-11-10T12:00:00Z") * 1000 };
  const series = memorySeries({});
  const log = memoryReadingsLog(clock.nowMs);
  const all: ApiPorts = {
    series,
    snapshots: memorySnapshots(),
    registry: memoryRegistry(),
    readingsLog: {
      ...log,
      /** Passed at once. */
      async appendBarrier(partitions, barrier) {
        const offsets = await log.appendBarrier(partitions, barrier);
        series.totalsNow = { ...series.totalsNow, positions: new Map([[0, (offsets.get(0) ?? 0) + 1]]) };
        return offsets;
      },
    },
    rejectedLog: memoryRejectedLog(),
    damage: memoryDamageLog(),
    audit: memoryAuditLog(),
    jobs: memoryJobLog(),
    gaps: memoryGapLog(),
    groupSums: memoryGroupSums({}),
    billing: memoryBillingLog(),
    clock,
    metricsText: async () => "# HELP other_total x\n# TYPE other_total counter\nother_total 1\n",
    health: async () => ({ ready: true, problems: [] }),
    inFlight: () => 0,
    replay: () => ({ accepted: null, rejections: [] }),
    ...ports,
  };
  return {
    ports: all,
    settings: { listen: { host: "127.0.0.1", port: 0 }, timeZone: "Europe/Kyiv", ...settings },
  };
}

/** Without a socket; closed with the test. */
export async function injectableApi({ ports, settings }: ApiWorld, observers?: ApiObservers): Promise<Api> {
  const app = await buildApi(ports, settings, observers);
  onTestFinished(() => app.close());
  return app;
}

/** On a free port; closed with the test. */
export async function servedApi({ ports, settings }: ApiWorld): Promise<ServedApi> {
  const api = await serveApi(ports, settings);
  onTestFinished(() => api.close());
  return api;
}

export function aRegisterSnapshot(fields: Partial<RegisterSnapshot> = {}): RegisterSnapshot {
  const boundary = instant("2026-10-31T22:00:00Z");
  return {
    register: "1.8.0",
    unit: "Wh",
    value: 12_345_678,
    valueQuality: "actual",
    opening: 12_100_000,
    openingBasis: "previous",
    openingAt: instant("2026-09-30T21:00:00Z"),
    carried: 0,
    from: null,
    to: null,
    consumption: 245_678,
    quality: "actual",
    method: "EXACT",
    origin: "remote",
    readAt: boundary,
    before: { at: boundary, value: 12_345_678, quality: "actual" },
    after: { at: boundary + 900, value: 12_345_900, quality: "actual" },
    intervals: null,
    fault: null,
    findings: [],
    estimate: null,
    usagePointId: null,
    ...fields,
  };
}

export function aSnapshot(fields: Partial<Snapshot> = {}): Snapshot {
  return {
    meterId: "m-1",
    usagePointId: "up-1",
    period: parsePeriod("2026-10") ?? 0,
    boundary: instant("2026-10-31T22:00:00Z"),
    registers: [aRegisterSnapshot()],
    revision: 1,
    lifecycle: "final",
    issuedAtMs: instant("2026-11-03T22:00:05Z") * 1000,
    reason: "window closed",
    hash: `sha256:${"a".repeat(64)}`,
    ...fields,
  };
}

export function aRejection(fields: Partial<StoredRejection> = {}): StoredRejection {
  return {
    id: "000001",
    reason: "json_invalid",
    detail: "not JSON",
    topic: "meters/m-1/readings/json",
    meterId: "m-1",
    clientId: "m-1",
    receivedAtMs: instant("2026-11-01T08:00:00Z") * 1000,
    payload: new TextEncoder().encode("{"),
    truncatedFrom: null,
    readingIndex: null,
    replayedAtMs: null,
    ...fields,
  };
}
