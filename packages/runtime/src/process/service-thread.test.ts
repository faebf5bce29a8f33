// Goal: threads start, answer, close and fail as promised. Method: real worker threads of fixtures/thread.ts.
import { Counter, Registry } from "prom-client";
import { expect, onTestFinished, test, vi } from "vitest";
import { dyingChannel } from "../fixtures/dying-channel.ts";
import type { ThreadOrder } from "../fixtures/thread.ts";
import { publishHealth, watchHealth } from "../health/thread-health.ts";
import { metricsHub, serveThreadMetrics } from "../telemetry/thread-metrics.ts";
import { startThread } from "./service-thread.ts";

async function thread(order: ThreadOrder, closeMsMax = 5_000) {
  const started = await startThread(new URL("../fixtures/thread.ts", import.meta.url), order, {
    name: order.name,
    closeMsMax,
  });
  onTestFinished(async () => {
    await started.close().catch(() => {});
  });
  return started;
}

function watch(expected: readonly string[], options: { silentMsMax?: number; nowMs?: () => number } = {}) {
  const watching = watchHealth({ expected, ...options });
  onTestFinished(() => watching.close());
  return watching;
}

test("a thread says where it listens, and closes on request", async () => {
  const ingest = await thread({ name: "ingest" });
  expect(ingest.address).toBe("127.0.0.1:6");
  await ingest.close();
  await ingest.close();
});

test("a start that fails rejects with the thread's own error, code and all", async () => {
  const failed = thread({ name: "ingest", start: "fails" });
  await expect(failed).rejects.toMatchObject({ message: "no port", code: "EADDRINUSE", syscall: "listen", port: 1883 });
});

test("a thread that ends before it is ready is a failed start", async () => {
  await expect(thread({ name: "ingest", start: "exits" })).rejects.toThrow("ended with code 7 before it was ready");
});

test("a thread that ends later without being asked ends the process", async () => {
  const exit = vi.spyOn(process, "exit").mockImplementation((() => {}) as never);
  onTestFinished(() => exit.mockRestore());
  await thread({ name: "ingest", dying: "exits" });
  const channel = new BroadcastChannel(dyingChannel);
  onTestFinished(() => channel.close());
  channel.postMessage("now");
  await vi.waitFor(() => expect(exit).toHaveBeenCalledWith(1));
});

test("a module that is not there rejects", async () => {
  await expect(startThread(new URL("./fixtures/nothing.ts", import.meta.url), {}, { name: "x" })).rejects.toThrow(
    "nothing.ts",
  );
});

test("what does not close is named", async () => {
  const failing = await thread({ name: "ingest", closing: "fails" });
  await expect(failing.close()).rejects.toThrow("ingest: part of the thread: planted failure");
  const hanging = await thread({ name: "api", closing: "hangs" }, 100);
  await expect(hanging.close()).rejects.toThrow(/api: .*not closed within 0.1 s/);
});

test("metrics of all threads are merged, and of those who do not answer we say so", async () => {
  await thread({ name: "ingest", count: 3 });
  await thread({ name: "aggregator", count: 4 });
  const registry = new Registry();
  new Counter({ name: "made_total", help: "Made.", registers: [registry] }).inc(5);
  const own = serveThreadMetrics(registry, "api");
  const hub = metricsHub(["ingest", "aggregator", "api", "lost"]);
  onTestFinished(() => {
    own.close();
    hub.close();
  });

  const text = await hub.collect(400);
  expect(text).toContain("made_total 12");
  expect(text).toContain('by_thread_total{thread="ingest"} 3');
  expect(text).toContain('by_thread_total{thread="aggregator"} 4');
  expect(text).toContain('meterbook_thread_up{thread="ingest"} 1');
  expect(text).toContain('meterbook_thread_up{thread="lost"} 0');
});

test("a scrape does not wait longer than the slowest thread", async () => {
  await thread({ name: "ingest", count: 3 });
  const hub = metricsHub(["ingest"]);
  onTestFinished(() => hub.close());
  expect(await hub.collect(60_000)).toContain("made_total 3");
  const both = await Promise.all([hub.collect(60_000), hub.collect(60_000)]);
  expect(both[0]).toBe(both[1]);
});

test("health: not ready before all have reported, ready when all are well", async () => {
  const watching = watch(["ingest", "aggregator"]);
  expect(watching.current()).toMatchObject({
    ready: false,
    problems: [
      { name: "ingest", detail: "has not started" },
      { name: "aggregator", detail: "has not started" },
    ],
  });
  await thread({ name: "ingest", health: { ok: true, detail: "" } });
  await thread({ name: "aggregator", health: { ok: true, detail: "" } });
  await vi.waitFor(() => expect(watching.current()).toMatchObject({ ready: true, problems: [] }));
});

test("health: a problem is told in words, also to a watcher that comes later", async () => {
  await thread({ name: "ingest", heartbeatMs: 60_000, health: { ok: false, detail: "the disk is full" } });
  const late = watch([]);
  await vi.waitFor(() => {
    expect(late.current()).toMatchObject({ ready: false, problems: [{ name: "ingest", detail: "the disk is full" }] });
  });
});

test("health: a thread that fell silent is a problem", async () => {
  let now = 1_000;
  const watching = watch(["ingest"], { silentMsMax: 30_000, nowMs: () => now });
  const ingest = await thread({ name: "ingest", health: { ok: true, detail: "" } });
  await vi.waitFor(() => expect(watching.current().ready).toBe(true));
  now += 60_000;
  await vi.waitFor(() => expect(watching.current().ready).toBe(true));
  await ingest.close();
  now += 31_000;
  expect(watching.current().problems).toEqual([{ name: "ingest", detail: "has not been heard of for 31 s" }]);
});

test("health: what is only to be known is told too, and readiness stays", async () => {
  const publisher = publishHealth();
  onTestFinished(() => publisher.close());
  const watching = watch(["aggregator"]);
  publisher.report({ name: "aggregator", ok: true, detail: "", notices: ["the clock went back by 40 days"] });
  await vi.waitFor(() => {
    expect(watching.current()).toEqual({ ready: true, problems: [], notices: ["the clock went back by 40 days"] });
  });
});
