import { standingProblems } from "@meterbook/runtime/health/standing-problems";
import { openLogger } from "@meterbook/runtime/telemetry/telemetry";
import { Registry } from "prom-client";
import { expect, test } from "vitest";
import { ingestMetrics } from "./ingest-metrics.ts";

// D12, on a disk without room: a line with a stack for each message, and a meter sends it again and again.
test("messages that cannot be kept are one problem and one line, until one is kept", () => {
  const lines: string[] = [];
  const log = openLogger({ name: "ingest", level: "info", format: "text", write: (line) => void lines.push(line) });
  const standing = standingProblems({ log });
  const events = ingestMetrics(new Registry(), log, standing);
  for (let message = 0; message < 50; message += 1) events.keepFailed({ error: new Error("ENOSPC: no room") });
  expect(lines).toHaveLength(1);
  expect(standing.current()).toEqual(["messages cannot be kept: ENOSPC: no room"]);
  events.messageKept({ readings: 1, rejections: 0, bytes: 10, seconds: 0.001 });
  expect(standing.current()).toEqual([]);
});
