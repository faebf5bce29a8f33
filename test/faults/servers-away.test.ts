// Goal: whatever is away, and for however long, nothing acknowledged is lost, nothing is there twice, and memory stays
// bounded.
// Method: a fleet with faults of its own goes on reporting while real servers and processes are killed, stopped or held
// still; then its truth is compared with what the API says: counts, readings, conflicts and the snapshots of two
// months.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Fleet, startFleet } from "../../simulators/src/fleet/fleet.ts";
import { checkTruth } from "../support/fleets/check-truth.ts";
import { type MeterbookCluster, startCluster } from "../support/processes/meterbook-cluster.ts";
import { peakBytesOf } from "../support/processes/process-usage.ts";
import type { ServiceProcess } from "../support/processes/service-process.ts";
import type { InfluxServer } from "../support/servers/influx-server.ts";
import type { KafkaServer } from "../support/servers/kafka-server.ts";
import type { MosquittoServer } from "../support/servers/mosquitto-server.ts";
import { influxServer, kafkaServer, mosquittoServer } from "../support/servers/servers.ts";

const seed = Number(process.env["SEED"] ?? 20_261_127);
const settings = { METERBOOK_SETTLE_SECONDS: "2" };

const [kafka, influx, mosquitto] = await Promise.all([kafkaServer(), influxServer(), mosquittoServer()]);
const isThere = kafka !== undefined && influx !== undefined && mosquitto !== undefined;
const directory = await mkdtemp(join(tmpdir(), "meterbook-"));
afterAll(async () => {
  await Promise.all([kafka, influx, mosquitto].map((server) => server?.dispose()));
  await rm(directory, { recursive: true, force: true });
});

/** 41 280 messages over two month ends, one of them with the end of summer time before it. */
const history = { from: "2026-09-20T00:00:00+03:00", to: "2026-11-02T00:00:00+02:00", days: 43 };
const meters = 40;

/** So many bytes may a process have had at its peak. */
const bytesMax = { ingest: 400e6, aggregator: 900e6 };

interface Under {
  readonly cluster: MeterbookCluster;
  readonly fleet: Fleet;
  /** Resolves when a share of the messages is acknowledged. */
  reached(share: number): Promise<void>;
}

/**
 * Compares everything after a fleet has reported for about `overSeconds`, with what `fault` did meanwhile; `checks` for
 * the checker.
 */
async function reportThrough(
  cluster: MeterbookCluster,
  overSeconds: number,
  fault: (under: Under) => Promise<void>,
  checks: readonly string[] = [],
) {
  console.log(`seed ${seed}`);
  const truth = join(directory, `truth-${new URL(cluster.mqttUrl).port}.ndjson`);
  const { from, to, days } = history;
  const fleet = startFleet({
    ...{ url: cluster.mqttUrl, seed, meters, from, to, truth, retrySeconds: 600 },
    speed: (days * 86_400) / overSeconds,
    ...{ lost: 0.02, repeated: 0.03, reordered: 0.03, lateHours: 0.02, malformed: 0.01 },
    ...{ wrong: 0.01, conflicting: 0.02, estimated: 0.02 },
  });
  const total = meters * days * 24;
  async function reached(share: number): Promise<void> {
    while (fleet.now().acknowledged < share * total) {
      await Promise.race([new Promise((resolve) => setTimeout(resolve, 20)), fleet.done]);
    }
  }
  await reached(0.1);
  await fault({ cluster, fleet, reached });
  const summary = await fleet.done;
  expect(summary.acknowledged).toBe(summary.messages);
  await cluster.settled(240_000);
  const { code, output } = await checkTruth(truth, cluster.httpUrl, checks);
  expect(code, output).toBe(0);
  expectBounded("ingest", cluster.ingests);
  expectBounded("aggregator", cluster.aggregators);
}

function expectBounded(name: keyof typeof bytesMax, processes: readonly ServiceProcess[]): void {
  const peaks = processes.map(({ pid }) => peakBytesOf(pid));
  console.log(`${name}: ${peaks.map((bytes) => `${Math.round(bytes / 1e6)} MB`).join(", ")} at their peak`);
  for (const bytes of peaks) expect(bytes).toBeLessThan(bytesMax[name]);
}

const numbered = (count: number) => Array.from({ length: count }, (_, index) => index);
const seconds = (count: number) => new Promise((resolve) => setTimeout(resolve, count * 1000));

describe.skipIf(!isThere)("under load", { timeout: 500_000, concurrent: true }, () => {
  const servers = { kafka: kafka as KafkaServer, influx: [influx as InfluxServer] };
  const clusters: MeterbookCluster[] = [];
  let others: { kafka: KafkaServer; influx: InfluxServer };

  async function cluster(more: Partial<Parameters<typeof startCluster>[0]>): Promise<MeterbookCluster> {
    const started = await startCluster({ ...servers, apis: 1, settings, ...more });
    clusters.push(started);
    return started;
  }

  beforeAll(async () => {
    // What is taken away from one must not be away for the others.
    const [k, i] = await Promise.all([kafkaServer(), influxServer()]);
    others = { kafka: k as KafkaServer, influx: i as InfluxServer };
  }, 120_000);
  afterAll(async () => {
    await Promise.all(clusters.map((one) => one.dispose()));
    await Promise.all(Object.values(others).map((server) => server.dispose()));
  });

  test("Kafka is killed and away for longer than its clients try: 25 s", async () => {
    const outage = async ({ fleet }: Under) => {
      await others.kafka.kill();
      await seconds(3);
      const waiting = fleet.now().acknowledged;
      await seconds(22);
      expect(fleet.now().acknowledged).toBe(waiting);
      await others.kafka.start();
    };
    // What was in doubt as Kafka died is sent again, and may be in the log twice: counted as duplicates.
    await reportThrough(await cluster({ kafka: others.kafka }), 40, outage, ["--redelivered"]);
  });

  test("InfluxDB is stopped for three minutes: meters go on being acknowledged", async () => {
    await reportThrough(await cluster({ influx: [others.influx] }), 200, async ({ fleet }) => {
      const before = fleet.now().acknowledged;
      await others.influx.stop();
      await seconds(180);
      expect(fleet.now().acknowledged).toBeGreaterThan(before + 10_000);
      await others.influx.start();
    });
  });

  test("Mosquitto is restarted twice", async () => {
    const { url: brokerUrl } = mosquitto as MosquittoServer;
    // Slices, because Mosquitto forgets shared subscriptions when it restarts and drops what it has acknowledged
    // (docs/mqtt.md).
    const brokerTopics = (slice: number) =>
      numbered(meters).flatMap((n) =>
        n % 2 === slice ? [`meters/sim-${String(n + 1).padStart(6, "0")}/readings`] : [],
      );
    const restarts = async ({ reached }: Under) => {
      for (const share of [0.2, 0.5]) {
        await reached(share);
        await mosquitto?.stop();
        await seconds(3);
        await mosquitto?.start();
      }
    };
    await reportThrough(await cluster({ brokerUrl, brokerTopics }), 40, restarts, ["--redelivered"]);
  });

  test("an aggregator that stood still for longer than its session goes on when another has its partitions", async () => {
    await reportThrough(await cluster({}), 60, async ({ cluster: { aggregators } }) => {
      const [still, other] = aggregators as [ServiceProcess, ServiceProcess];
      for (let round = 0; round < 2; round += 1) {
        still.pause();
        while ((await assignedTo(other)) < 4) await seconds(0.2);
        await seconds(2);
        still.resume();
        while ((await assignedTo(still)) < 1) await seconds(0.2);
      }
    });
  });
});

async function assignedTo({ httpUrl }: ServiceProcess): Promise<number> {
  const text = await (await fetch(`${httpUrl}/metrics`)).text();
  return Number(/^meterbook_kafka_partitions_assigned (\d+)/m.exec(text)?.[1] ?? 0);
}
