import { expect, test } from "vitest";
import { measureCurveUnderLoad } from "./curve-under-load.bench.ts";
import { measureGroups } from "./groups.bench.ts";
import { measureIdle, measureIdleStandalone } from "./idle.bench.ts";
import { measureMonthClose } from "./month-close.bench.ts";
import { measureMonthEnd } from "./month-end.bench.ts";
import { measurePipeline, pipelineMissing } from "./pipeline/pipeline.bench.ts";
import { measureRebalance, slowUntil } from "./rebalance.bench.ts";
import { measureRestart } from "./restart.bench.ts";
import { measureScale } from "./scale/scale.bench.ts";
import { measureThroughput } from "./throughput.bench.ts";

/**
 * Small runs of every benchmark, so that they cannot rot; the benchmarks check their own counts. No speed is asserted.
 */
const small = { meters: 500, connections: 4, window: 50 };

test.for([
  { ...small, name: "3 registers", messages: 5000, readingsPerMessage: "1", readingsInMessage: 3 },
  { ...small, name: "32 readings", messages: 1000, readingsPerMessage: "32", readingsInMessage: 32 },
  { ...small, name: "32 entries", messages: 1000, readingsPerMessage: "32-single", readingsInMessage: 32 },
])("throughput of $name", async (run) => {
  const [rate] = await measureThroughput(run);
  expect(rate?.value).toBeGreaterThan(0);
});

test("month close and export", async () => {
  const figures = await measureMonthClose(304);
  const measured = (wanted: string) => figures.find(({ name }) => name === wanted)?.value;
  expect(measured("month close")).toBeGreaterThan(0);
  expect(measured("CSV export")).toBeGreaterThan(0);
});

test("the month end that comes by itself", async () => {
  const [end] = await measureMonthEnd(304);
  expect(end?.value).toBeGreaterThan(0);
});

test("curve under load", async () => {
  const [median] = await measureCurveUnderLoad({ messagesPerSecond: 500, requests: 50, restMs: 0 });
  expect(median?.value).toBeGreaterThan(0);
});

test("curve of a group under load", async () => {
  const figures = await measureGroups({ meters: 160, messagesPerSecond: 100, seconds: 2 });
  expect(figures).toHaveLength(7);
  expect(figures.every(({ value }) => value > 0)).toBe(true);
});

test("start after a kill", async () => {
  const [start] = await measureRestart(512);
  expect(start?.value).toBeGreaterThan(0);
});

test.skipIf(pipelineMissing() !== undefined)("the pipeline beside Telegraf", async () => {
  const { figures, runs } = await measurePipeline({ share: 0.01, pairs: 1, rows: ["max"] });
  expect(runs.map(({ lost }) => lost)).toEqual([0, 0, 0]);
  expect(figures.every(({ value }) => value > 0)).toBe(true);
});

test("idle in one process", async () => {
  const [idle] = await measureIdleStandalone(2);
  expect(idle?.value).toBeGreaterThanOrEqual(0);
});

test.skipIf(pipelineMissing() !== undefined)("idle on servers", async () => {
  const { figures } = await measureIdle(2);
  expect(figures.map(({ name }) => name)).toEqual(
    ["ingest", "aggregator", "api"].map((name) => `idle: CPU of ${name}`),
  );
});

test("a rebalance is slow until the last window that was", () => {
  const at = (second: number, readings: number) => ({ atMs: 5000 + second * 1000, readings });
  const samples = [at(0, 0), at(5, 250), at(10, 275), at(15, 525), at(20, 775)];
  expect([slowUntil(samples, 40), slowUntil(samples, 5), slowUntil(samples, 60)]).toEqual([10, 0, 20]);
});

test.skipIf(pipelineMissing() !== undefined)("an aggregator that takes meters over", async () => {
  const { figures } = await measureRebalance({ meters: 160, beforeSeconds: 3, afterSeconds: 12 });
  // That nothing was lost it checks itself. What so few meters send may be over before anything is measured.
  expect(figures).toHaveLength(4);
});

test.skipIf(pipelineMissing() !== undefined)("fleets of several sizes", async () => {
  const { figures } = await measureScale(0.001);
  expect(figures.every(({ value }) => value > 0)).toBe(true);
});
