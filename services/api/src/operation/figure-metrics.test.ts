import { Registry } from "prom-client";
import { expect, test, vi } from "vitest";
import { memoryDamageLog, nothingStored } from "../../../../test/support/worlds/memory-ports.ts";
import { lagMetrics, lossMetrics } from "./figure-metrics.ts";

const ends = async () =>
  new Map([
    [0, 10],
    [1, 4],
  ]);

test("the lag is asked of the store and the log at each scrape, of each partition", async () => {
  const registry = new Registry();
  let positions = new Map([[0, 3]]);
  lagMetrics(registry, { series: { totals: async () => ({ ...nothingStored, positions }) }, readingsLog: { ends } });
  expect(await registry.metrics()).toContain('meterbook_log_lag_records{partition="0"} 7\n');
  expect(await registry.metrics()).toContain('meterbook_log_lag_records{partition="1"} 4\n');
  positions = new Map([
    [0, 10],
    [1, 4],
  ]);
  expect(await registry.metrics()).toContain('meterbook_log_lag_records{partition="0"} 0\n');
});

test("where it cannot be asked, or not in time, no lag is told, least of all 0", async () => {
  vi.useFakeTimers();
  const registry = new Registry();
  let totals: () => Promise<typeof nothingStored> = async () => nothingStored;
  lagMetrics(registry, { series: { totals: () => totals() }, readingsLog: { ends } });
  expect(await registry.metrics()).toContain('partition="1"');
  totals = () => Promise.reject(new Error("the store is away"));
  expect(await registry.metrics()).not.toContain("partition=");
  totals = () => new Promise(() => undefined);
  const scrape = registry.metrics();
  await vi.advanceTimersByTimeAsync(2000);
  expect(await scrape).not.toContain("partition=");
  vi.useRealTimers();
});

test("what is lost is told by place", async () => {
  const registry = new Registry();
  const entry = { id: "1", place: "readings-log", code: "records_lost", where: "", detail: "", help: "" } as const;
  lossMetrics(registry, memoryDamageLog({ ...entry, meterId: null, period: null, lost: 12, foundAtMs: 1 }));
  expect(await registry.metrics()).toContain('meterbook_lost_records{place="readings-log"} 12\n');
});
