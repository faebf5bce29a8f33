import type { ScrubEvents } from "@meterbook/adapters/embedded/verify/scrub-directory";
import { Counter, Gauge, type Registry } from "prom-client";

/** How far the scrub is. */
export function scrubMetrics(registry: Registry): ScrubEvents {
  const checked = new Counter({
    name: "meterbook_scrub_checked_total",
    help: "Records that the scrub has read and checked, by file of the data directory.",
    labelNames: ["file"],
    registers: [registry],
  });
  const position = new Gauge({
    name: "meterbook_scrub_position_ratio",
    help: "How far the scrub is in a table, 0 to 1.",
    labelNames: ["file", "table"],
    registers: [registry],
  });
  const completed = new Gauge({
    name: "meterbook_scrub_completed_timestamp_seconds",
    help: "When the scrub last came to the end of all files; 0 before the first time.",
    registers: [registry],
  });
  return {
    checked({ file, table, rows, ratio }) {
      checked.inc({ file }, rows);
      position.set({ file, table }, ratio);
    },
    completed: ({ atMs }) => completed.set(atMs / 1000),
  };
}
