import type { Registry } from "prom-client";
import { Counter, Histogram } from "prom-client";
import type { InfluxEvents } from "./influx-connection.ts";

/** Where the store says what an operator must read; the process's logger fits. */
export interface InfluxLog {
  warn(fields: Readonly<Record<string, unknown>>, message: string): void;
}

/**
 * What stands wrong until it is cleared, for `/readyz`; a line in the log when it begins and when it ends is its part.
 */
export interface Standing {
  raise(name: string, detail: string): void;
  clear(name: string): void;
}

/** Attempts after which it is more than a hiccup. */
const worthSaying = 3;

/** The store's events as metrics, log lines and health. */
export function influxMetrics(registry: Registry, log: InfluxLog, standing: Standing): InfluxEvents {
  const registers = [registry];
  const lines = new Counter({
    name: "meterbook_influx_lines_written_total",
    help: "Lines that InfluxDB said are stored.",
    labelNames: ["url"],
    registers,
  });
  const bytes = new Counter({
    name: "meterbook_influx_bytes_written_total",
    help: "Bytes of these requests, as sent.",
    labelNames: ["url"],
    registers,
  });
  const seconds = new Histogram({
    name: "meterbook_influx_write_seconds",
    help: "From a write's begin to InfluxDB's answer.",
    labelNames: ["url"],
    buckets: [0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5, 30],
    registers,
  });
  const failures = new Counter({
    name: "meterbook_influx_failures_total",
    help: "Requests to InfluxDB that failed and were repeated, by kind: write, query.",
    labelNames: ["url", "what"],
    registers,
  });
  const refused = new Counter({
    name: "meterbook_influx_lines_refused_total",
    help: "Lines that InfluxDB will not store; they are in the rejected log.",
    labelNames: ["url"],
    registers,
  });
  return {
    written(event) {
      lines.inc({ url: event.url }, event.lines);
      bytes.inc({ url: event.url }, event.bytes);
      seconds.observe({ url: event.url }, event.seconds);
      standing.clear(`${event.url} write`);
    },
    queried: ({ url }) => standing.clear(`${url} query`),
    requestFailed({ url, what, error, attempt }) {
      failures.inc({ url, what });
      if (attempt < worthSaying) return;
      standing.raise(`${url} ${what}`, `${url} does not answer: ${error.message}`);
    },
    linesRefused({ url, lines: count, detail }) {
      refused.inc({ url }, count);
      log.warn({ url, lines: count, detail }, "InfluxDB will not store these lines; they go to the rejected log.");
    },
  };
}
