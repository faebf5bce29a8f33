import { Registry } from "prom-client";
import { expect, test } from "vitest";
import { collectRuntimeMetrics, type LoggerOptions, openLogger } from "./telemetry.ts";

function logged(options: Partial<LoggerOptions> = {}) {
  const lines: string[] = [];
  const write = (line: string) => void lines.push(line);
  return {
    lines,
    log: openLogger({ name: "ingest", level: "info", format: "text", nowMs: () => 0, write, ...options }),
  };
}

test("H20: what outsiders name themselves does not steer a terminal", () => {
  const { lines, log } = logged();
  log.info({ clientId: "a\u001b[2J", name: "b\u009b\u202ec", end: "d\ne" }, "m");
  expect(lines[0]).toMatch(/ clientId="a\\u001b\[2J" name="b\\u\{9b\}\\u\{202e\}c" end="d\\ne"/);
});

test("text is one readable line", () => {
  const { log, lines } = logged();
  log.warn({ meterId: "m-1", detail: "two words", count: 3 }, "Report refused.");
  expect(lines).toEqual([
    '1970-01-01T00:00:00.000Z warn  ingest: Report refused. meterId=m-1 detail="two words" count=3',
  ]);
});

test("JSON is one line that holds errors and big integers", () => {
  const { log, lines } = logged({ format: "json" });
  log.error({ error: Object.assign(new TypeError("x"), { code: "E1" }), big: 12n }, "Failed.\nBadly.");
  expect(lines[0]).not.toContain("\n");
  expect(JSON.parse(lines[0] ?? "")).toMatchObject({
    time: "1970-01-01T00:00:00.000Z",
    level: "error",
    name: "ingest",
    message: "Failed.\nBadly.",
    error: { name: "TypeError", message: "x", code: "E1", stack: expect.stringContaining("telemetry.test.ts") },
    big: "12",
  });
});

test("what is below the level is not written", () => {
  const { log, lines } = logged({ level: "warn" });
  log.debug({}, "a");
  log.info({}, "b");
  log.warn({}, "c");
  log.error({}, "d");
  expect(lines.map((line) => line.at(-1))).toEqual(["c", "d"]);
});

test("a thread's metrics carry its name", async () => {
  const registry = new Registry();
  collectRuntimeMetrics(registry, "ingest");
  const text = await registry.metrics();
  expect(text).toMatch(/meterbook_thread_busy_ratio\{thread="ingest"\} [\d.]+/);
  expect(text).toMatch(/meterbook_thread_heap_bytes\{thread="ingest"\} \d+/);
});
