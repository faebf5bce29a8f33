// Goal: acknowledged readings that Kafka forgot before they were taken in are a final loss that is counted and named
// (D07). A topic that is made anew while everything runs is noticed within 10 s.
// Method: a real Kafka is told to forget.
import { kafkaConnection } from "@meterbook/adapters/kafka/client/kafka-connection";
import type { Admin } from "kafkajs";
import { afterAll, describe, expect, onTestFinished, test } from "vitest";
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

const meters = Array.from({ length: 20 }, (_, index) => `m-${index + 1}`);

function messagesOf(hour: number) {
  const at = new Date(Date.UTC(2026, 9, 5, hour)).toISOString();
  return meters.map((meterId) => ({
    topic: `meters/${meterId}/readings/json`,
    payload: JSON.stringify({ readings: [{ register: "1.8.0", at, value: 1000 + hour, unit: "Wh" }] }),
  }));
}

async function started(prefix: string) {
  const servers = { kafka: kafka as KafkaServer, influx: [influx as InfluxServer] };
  const topicPrefix = `${prefix}.`;
  const settings = { METERBOOK_SETTLE_SECONDS: "1", METERBOOK_KAFKA_TOPIC_PREFIX: topicPrefix };
  const cluster = await startCluster({ ...servers, ingests: 1, aggregators: 1, apis: 1, settings });
  onTestFinished(() => cluster.dispose());
  const connection = { brokers: (kafka as KafkaServer).brokers, topicPrefix, compression: "none" } as const;
  const admin = kafkaConnection(connection, { clientId: "test", log: () => undefined }).client.admin();
  await admin.connect();
  onTestFinished(() => admin.disconnect());
  return { cluster, admin, topic: `${topicPrefix}readings.v1` };
}

async function readiness({ httpUrl }: ServiceProcess) {
  const response = await fetch(`${httpUrl}/readyz`, { signal: AbortSignal.timeout(2000) });
  return (await response.json()) as { ready: boolean; problems: readonly string[]; notices: readonly string[] };
}

interface Entry {
  readonly id: string;
  readonly place: string;
  readonly code: string;
  readonly where: string;
  readonly lost: number | null;
}

async function losses(cluster: MeterbookCluster): Promise<readonly Entry[]> {
  const { items } = await cluster.get<{ items: Entry[] }>("/v1/damage");
  return items.filter(({ place, code }) => place === "readings-log" && code === "records_lost");
}

const sum = (entries: readonly Entry[]) => entries.reduce((total, { lost }) => total + (lost ?? 0), 0);

/** Everything that the partitions hold now; answers how many records that were. */
async function forgetAll(admin: Admin, topic: string): Promise<number> {
  const found = await admin.fetchTopicOffsets(topic);
  const partitions = found
    .filter(({ low, high }) => low !== high)
    .map(({ partition, high: offset }) => ({ partition, offset }));
  await admin.deleteTopicRecords({ topic, partitions });
  return found.reduce((total, { low, high }) => total + Number(high) - Number(low), 0);
}

describe.skipIf(!isThere)("what Kafka lost", { timeout: 200_000 }, () => {
  test("D07: unread records that were forgotten are counted once, in damage, status and readiness, for good", async () => {
    const { cluster, admin, topic } = await started("lost");
    const [aggregator] = cluster.aggregators as [ServiceProcess];
    await publishAll(() => cluster.mqttUrl, messagesOf(0));
    await cluster.settled();
    await forgetAll(admin, topic);
    await aggregator.stop();
    for (const hour of [1, 2, 3]) await publishAll(() => cluster.mqttUrl, messagesOf(hour));
    const lost = await forgetAll(admin, topic);
    expect(lost).toBeGreaterThan(0);
    await publishAll(() => cluster.mqttUrl, messagesOf(4));
    await aggregator.start();
    await cluster.settled(60_000);
    await expect.poll(async () => sum(await losses(cluster)), { timeout: 10_000 }).toBe(lost);
    const before = await losses(cluster);
    await expect
      .poll(() => cluster.get("/v1/status"))
      .toMatchObject({ received: 100, stored: 40, lost: { count: lost } });
    const all = [...cluster.ingests, ...cluster.aggregators, ...cluster.apis];
    for (const process of all) {
      const named = expect.stringMatching(/^readings-log: \d+ damaged or lost/);
      await expect.poll(() => readiness(process), { timeout: 10_000 }).toMatchObject({ ready: true, notices: [named] });
    }
    // Neither a restart nor a rebalance counts it again.
    await aggregator.kill();
    await aggregator.start();
    await cluster.addAggregator();
    await publishAll(() => cluster.mqttUrl, messagesOf(5));
    await cluster.settled(60_000);
    expect(await losses(cluster)).toEqual(before);
  });

  test("a topic that is made anew while everything runs is noticed within 10 s, and its partitions are opened anew", async () => {
    const { cluster, admin, topic } = await started("anew");
    await publishAll(() => cluster.mqttUrl, messagesOf(0));
    await cluster.settled();
    await admin.deleteTopics({ topics: [topic] });
    const again = { topic, numPartitions: 4, configEntries: [{ name: "max.message.bytes", value: "18874368" }] };
    await expect.poll(() => admin.createTopics({ topics: [again] }).catch(() => false), { timeout: 10_000 }).toBe(true);
    const madeAtMs = performance.now();
    await expect.poll(async () => (await losses(cluster)).length, { timeout: 15_000 }).toBeGreaterThan(0);
    const [aggregator] = cluster.aggregators as [ServiceProcess];
    await expect
      .poll(async () => (await readiness(aggregator)).problems.join("; "), { timeout: 15_000 })
      .toMatch(/it is not the log that the store was filled from/);
    expect(performance.now() - madeAtMs).toBeLessThan(10_000);
    expect((await losses(cluster))[0]?.where).toMatch(/^partition \d made anew at position \d+$/);
  });
});
