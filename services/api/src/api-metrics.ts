import { damagedPlaces } from "@meterbook/core/domain/damage/damage";
import type { DamageLog } from "@meterbook/core/ports/damage-log";
import { Counter, Gauge, Histogram, Registry } from "prom-client";

/**
 * What the API counts of itself. `route` is the pattern (`/v1/meters/:meterId`), never the address: labels stay few.
 */
export interface ApiMetrics {
  text(): Promise<string>;
  requestAnswered(request: { route: string; method: string; status: number; seconds: number }): void;
  rowsStreamed(stream: { route: string; format: string; rows: number }): void;
  exportsRunning(count: number): void;
  connectionEnded(reason: "crowded" | "body_late" | "export_slow"): void;
}

/** A registry of its own, so that several servers in one process do not share counters. */
export function apiMetrics(): ApiMetrics {
  const registers = [new Registry()] as [Registry];
  const requests = new Histogram({
    name: "meterbook_api_request_duration_seconds",
    help: "From a request's arrival to the end of its answer.",
    labelNames: ["route", "method", "status"],
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10, 60, 600],
    registers,
  });
  const rows = new Counter({
    name: "meterbook_api_stream_rows_total",
    help: "Entries sent in NDJSON and CSV streams.",
    labelNames: ["route", "format"],
    registers,
  });
  const running = new Gauge({
    name: "meterbook_api_exports_running",
    help: "NDJSON and CSV streams under way.",
    registers,
  });
  const ended = new Counter({
    name: "meterbook_api_connections_ended_total",
    help: "Connections ended before their time: crowded (too many), body_late, export_slow (taken below the least rate).",
    labelNames: ["reason"],
    registers,
  });
  return {
    connectionEnded: (reason) => ended.inc({ reason }),
    text: () => registers[0].metrics(),
    requestAnswered: ({ route, method, status, seconds }) =>
      requests.observe({ route, method, status: String(status) }, seconds),
    rowsStreamed: ({ route, format, rows: count }) => rows.inc({ route, format }, count),
    exportsRunning: (count) => running.set(count),
  };
}

/** Damage that nobody has acknowledged, asked at each scrape. */
export function damageMetrics(registry: Registry, damage: Pick<DamageLog, "open">): void {
  new Gauge({
    name: "meterbook_damage_open",
    help: "Damaged or lost records that no operator has acknowledged (GET /v1/damage), by place. Alarm above 0.",
    labelNames: ["place"],
    registers: [registry],
    async collect() {
      const { byPlace } = await damage.open();
      this.reset();
      for (const place of new Set([...damagedPlaces, ...Object.keys(byPlace)]))
        this.set({ place }, byPlace[place] ?? 0);
    },
  });
}
