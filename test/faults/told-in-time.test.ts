// Goal: an operator is told within 10 s what keeps the service from its work, in one line, and calls are answered
// meanwhile (D04 to D06).
// Method: real servers are held still, or their bucket is taken away, under a cluster of ours that has nothing else to
// do.
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { httpProxy } from "../support/network/http-proxy.ts";
import { publishAll } from "../support/network/publisher.ts";
import { type MeterbookCluster, startCluster } from "../support/processes/meterbook-cluster.ts";
import type { ServiceProcess } from "../support/processes/service-process.ts";
import type { InfluxServer } from "../support/servers/influx-server.ts";
import type { KafkaServer } from "../support/servers/kafka-server.ts";
import { influxServer, kafkaServer } from "../support/servers/servers.ts";

const [kafka, influx] = await Promise.all([kafkaServer(), influxServer()]);
const isThere = kafka !== undefined && influx !== undefined;
afterAll(async () => {
  await Promise.all([kafka?.dispose(), influx?.dispose()]);
});

const tellMsMax = 10_000;
const answerMsMax = 5500;

async function readiness({ httpUrl }: ServiceProcess): Promise<{ ready: boolean; problems: readonly string[] }> {
  const response = await fetch(`${httpUrl}/readyz`, { signal: AbortSignal.timeout(2000) });
  return (await response.json()) as { ready: boolean; problems: readonly string[] };
}

/** All are as asked, each within the time. */
async function untilAll(
  processes: readonly ServiceProcess[],
  isSo: (ready: boolean, problems: string) => boolean,
  msMax: number,
): Promise<void> {
  const endMs = performance.now() + msMax;
  const each = processes.map(async (process) => {
    for (;;) {
      const { ready, problems } = await readiness(process);
      if (isSo(ready, problems.join("; "))) return;
      if (performance.now() > endMs) throw new Error(`ready is ${ready} after ${msMax} ms: ${problems.join("; ")}`);
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  });
  await Promise.all(each);
}

const untilAllReady = (processes: readonly ServiceProcess[], msMax: number) =>
  untilAll(processes, (ready) => ready, msMax);

/** Within the time that is promised. What else they say may come before: a partition is not open, for example. */
const untilAllTell = (processes: readonly ServiceProcess[], words: string | RegExp) =>
  untilAll(processes, (ready, problems) => !ready && problems.search(words) >= 0, tellMsMax);

/** Since `from`, in what the process wrote. */
const linesSince = (process: ServiceProcess, from: number) =>
  process
    .errors()
    .slice(from)
    .split("\n")
    .filter((line) => line !== "");

describe.skipIf(!isThere)("what an operator is told", { timeout: 120_000 }, () => {
  let cluster: MeterbookCluster;
  let onStore: readonly ServiceProcess[];
  let all: readonly ServiceProcess[];

  beforeAll(async () => {
    const servers = { kafka: kafka as KafkaServer, influx: [influx as InfluxServer] };
    cluster = await startCluster({ ...servers, ingests: 1, aggregators: 1, apis: 1 });
    onStore = [...cluster.aggregators, ...cluster.apis];
    all = [...cluster.ingests, ...onStore];
    await untilAllReady(all, 30_000);
  }, 90_000);
  afterAll(() => cluster?.dispose());

  async function callsAreAnswered(): Promise<void> {
    const startedAtMs = performance.now();
    const response = await fetch(`${cluster.httpUrl}/v1/status`, { signal: AbortSignal.timeout(20_000) });
    expect(performance.now() - startedAtMs).toBeLessThan(answerMsMax);
    expect(response.status).toBe(503);
    expect(response.headers.get("content-type")).toBe("application/problem+json");
  }

  // D12: seven warnings about one broker at each start.
  test("a start names the one broker once, and nothing of a client library", async () => {
    for (const process of all) {
      const lines = linesSince(process, 0);
      expect(lines.filter((line) => /broker/.test(line)).length, lines.join("\n")).toBeLessThanOrEqual(1);
      expect(lines.join("\n")).not.toMatch(/kafkajs|^\s+at /m);
    }
  });

  test("D05: InfluxDB frozen", async () => {
    const before = onStore.map((process) => process.errors().length);
    influx?.pause();
    try {
      await Promise.all([untilAllTell(onStore, "InfluxDB does not answer"), callsAreAnswered()]);
      expect((await Promise.all(cluster.ingests.map(readiness))).every(({ ready }) => ready)).toBe(true);
    } finally {
      influx?.resume();
    }
    await untilAllReady(onStore, 30_000);
    for (const [index, process] of onStore.entries()) {
      const lines = linesSince(process, before[index] ?? 0).filter((line) => line.includes("Not ready"));
      expect(lines.length, lines.join("\n")).toBeLessThanOrEqual(2);
      expect(lines.join("\n")).not.toMatch(/\n\s+at /);
    }
  });

  test("D06: Kafka frozen", async () => {
    const before = all.map((process) => process.errors().length);
    kafka?.pause();
    try {
      await Promise.all([untilAllTell(all, "Kafka does not answer"), callsAreAnswered()]);
      await new Promise((resolve) => setTimeout(resolve, 20_000));
    } finally {
      kafka?.resume();
    }
    await untilAllReady(all, 40_000);
    for (const [index, process] of all.entries()) {
      const lines = linesSince(process, before[index] ?? 0);
      expect(lines.length, lines.join("\n")).toBeLessThan(10);
      expect(lines.join("\n")).not.toMatch(/^\s+at /m);
    }
  });

  test("a partition that does not move though InfluxDB answers: its writes hang", async () => {
    let hangs = false;
    const decide = ({ path }: { path: string }) => (hangs && path.startsWith("/api/v2/write") ? "hang" : "pass");
    const proxy = await httpProxy(decide, (influx as InfluxServer).url);
    const slow = { ...(influx as InfluxServer), url: proxy.url };
    const still = await startCluster({
      ...{ kafka: kafka as KafkaServer, influx: [slow], ingests: 1, aggregators: 1, apis: 0 },
      settings: { METERBOOK_INFLUX_COMPRESSION: "none" },
    });
    onTestFinished(async () => {
      await still.dispose();
      await proxy.close();
    });
    const payload = JSON.stringify({
      readings: [{ register: "1.8.0", at: "2026-11-01T00:00:00Z", value: 1, unit: "Wh" }],
    });
    await publishAll(() => still.mqttUrl, [{ topic: "meters/m-1/readings/json", payload }]);
    // What is still being opened is told in other words.
    const metrics = async () => (await fetch(`${still.aggregators[0]?.httpUrl}/metrics`)).text();
    await expect
      .poll(metrics, { timeout: 20_000 })
      .toMatch(/^meterbook_readings_applied_total\{outcome="stored"\} 1$/m);
    await untilAllReady(still.aggregators, 20_000);
    hangs = true;
    await publishAll(
      () => still.mqttUrl,
      [{ topic: "meters/m-1/readings/json", payload: payload.replace("1.8.0", "2.8.0") }],
    );
    await untilAllTell(still.aggregators, /partition \d does not move: \d frames wait, for \d+ s/);
  });

  test("D04: a bucket that was taken away", async () => {
    const before = onStore.map((process) => process.errors().length);
    const { url, token, org } = influx as InfluxServer;
    const headers = { authorization: `Token ${token}` };
    const list = await fetch(`${url}/api/v2/buckets?org=${org}&limit=100`, { headers });
    const { buckets } = (await list.json()) as { buckets: readonly { id: string; type: string }[] };
    for (const { id, type } of buckets)
      if (type !== "system") await fetch(`${url}/api/v2/buckets/${id}`, { method: "DELETE", headers });
    await untilAllTell(onStore, "METERBOOK_INFLUX_BUCKET");
    await new Promise((resolve) => setTimeout(resolve, 10_000));
    for (const [index, process] of onStore.entries()) {
      const lines = linesSince(process, before[index] ?? 0);
      expect(lines.length, lines.join("\n")).toBeLessThan(5);
    }
  });
});
