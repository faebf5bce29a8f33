// Goal: a broker that was killed cuts its log off before the first batch in which a bit has flipped. A single broker
// has lost acknowledged readings then: they are named and counted, or the partition is refused. Three lose nothing.
// Method: a real Kafka; a bit of a batch is flipped on its disk, and it is killed and started again.
import { open, readFile } from "node:fs/promises";
import { join } from "node:path";
import { partitionOf } from "@meterbook/sharding/slot";
import { describe, expect, onTestFinished, test } from "vitest";
import { publishAll } from "../support/network/publisher.ts";
import { type MeterbookCluster, startCluster } from "../support/processes/meterbook-cluster.ts";
import type { ServiceProcess } from "../support/processes/service-process.ts";
import { type InfluxServer, influxIsThere, startInflux } from "../support/servers/influx-server.ts";
import { type KafkaServer, kafkaIsThere, startKafka } from "../support/servers/kafka-server.ts";

const isThere = kafkaIsThere(3) && influxIsThere();
if (!isThere) console.log("left out: a log that was cut off, which needs Kafka and InfluxDB on this machine");
const topicPrefix = "cut.";
const meters = Array.from({ length: 8 }, (_, index) => `m-${index + 1}`);
const readingsEach = 12;

async function publish(cluster: MeterbookCluster, day: number): Promise<void> {
  const readings = Array.from({ length: readingsEach }, (_, index) => ({
    ...{ register: "1.8.0", unit: "Wh", value: 1000 * day + index },
    at: new Date(Date.UTC(2026, 9, day, 2 * index)).toISOString(),
  }));
  const payload = JSON.stringify({ readings });
  const messages = meters.map((meterId) => ({ topic: `meters/${meterId}/readings/json`, payload }));
  await publishAll(() => cluster.mqttUrl, messages);
}

interface Started {
  readonly kafka: KafkaServer;
  readonly influx: InfluxServer;
  readonly cluster: MeterbookCluster;
}

/** The only one that a cluster on servers of its own has. */
const bucket = "bucket-1";

async function startedOn(brokers: 1 | 3): Promise<Started> {
  const [kafka, influx] = await Promise.all([startKafka({ brokers, as: "native" }), startInflux()]);
  onTestFinished(async () => void (await Promise.all([kafka.dispose(), influx.dispose()])));
  const servers = { kafka, influx: [influx] };
  const settings = { METERBOOK_SETTLE_SECONDS: "1", METERBOOK_KAFKA_TOPIC_PREFIX: topicPrefix };
  const cluster = await startCluster({ ...servers, ingests: 1, aggregators: 1, apis: 1, partitions: 1, settings });
  onTestFinished(() => cluster.dispose());
  return { kafka, influx, cluster };
}

const lengthAt = 8;
/** Base offset and length. */
const frontBytes = 12;

/** Flips a bit in the middle of the batch of this number, of the only partition. */
async function flipIn(dataDir: string, batch: number): Promise<void> {
  const path = join(dataDir, `${topicPrefix}readings.v1-${partitionOf("m-1", 1)}`, `${"0".repeat(20)}.log`);
  const bytes = await readFile(path);
  let from = 0;
  for (let n = 0; n < batch; n += 1) from += frontBytes + bytes.readInt32BE(from + lengthAt);
  const at = from + ((frontBytes + bytes.readInt32BE(from + lengthAt)) >> 1);
  const handle = await open(path, "r+");
  await handle.write(Buffer.from([(bytes[at] as number) ^ 4]), 0, 1, at);
  await handle.close();
}

async function batchesIn(dataDir: string): Promise<number> {
  const path = join(dataDir, `${topicPrefix}readings.v1-${partitionOf("m-1", 1)}`, `${"0".repeat(20)}.log`);
  const bytes = await readFile(path);
  let batches = 0;
  // A file is made larger than what stands in it.
  for (let from = 0; from + frontBytes < bytes.length && bytes.readInt32BE(from + lengthAt) > 0; batches += 1) {
    from += frontBytes + bytes.readInt32BE(from + lengthAt);
  }
  return batches;
}

interface Entry {
  readonly place: string;
  readonly code: string;
  readonly lost: number | null;
}

const lossesOf = async (cluster: MeterbookCluster) =>
  (await cluster.get<{ items: Entry[] }>("/v1/damage?limit=1000")).items.filter(
    ({ place, code }) => place === "readings-log" && code === "records_lost",
  );

interface Readiness {
  readonly problems: readonly string[];
  readonly notices: readonly string[];
}

async function readiness({ httpUrl }: ServiceProcess): Promise<Readiness> {
  const response = await fetch(`${httpUrl}/readyz`, { signal: AbortSignal.timeout(2000) });
  return (await response.json()) as Readiness;
}

describe.skipIf(!isThere)("a log that its broker has cut off", { timeout: 240_000 }, () => {
  test("D07: behind what the store has taken in, it goes on, and what is gone is named and counted", async () => {
    const { kafka, cluster } = await startedOn(1);
    const [aggregator] = cluster.aggregators as [ServiceProcess];
    const [dataDir = ""] = kafka.dataDirs ?? [];
    await publish(cluster, 1);
    await cluster.settled(60_000);
    await aggregator.stop();
    const unread = await batchesIn(dataDir);
    for (const day of [2, 3, 4]) await publish(cluster, day);
    await flipIn(dataDir, unread + 1);
    await kafka.kill();
    await kafka.start();
    await publish(cluster, 5);
    await aggregator.start();
    await cluster.settled(60_000);
    const { received, stored } = await cluster.get<{ received: number; stored: number }>("/v1/status");
    expect(received).toBe(5 * meters.length * readingsEach);
    expect(stored).toBeLessThan(received);
    await expect
      .poll(async () => (await lossesOf(cluster)).reduce((sum, { lost }) => sum + (lost ?? 0), 0), { timeout: 30_000 })
      .toBe(received - stored);
    const told = async () => (await readiness(aggregator)).notices.join("; ");
    await expect.poll(told, { timeout: 10_000 }).toMatch(/readings-log: \d+ damaged or lost/);
  });

  test("D02: before what the store has taken in, the partition is refused and named within 10 s", async () => {
    const { kafka, influx, cluster } = await startedOn(1);
    const [aggregator] = cluster.aggregators as [ServiceProcess];
    const [dataDir = ""] = kafka.dataDirs ?? [];
    for (const day of [1, 2, 3]) await publish(cluster, day);
    await cluster.settled(60_000);
    await flipIn(dataDir, 0);
    await kafka.kill();
    await kafka.start();
    const told = async () => (await readiness(aggregator)).problems.join("; ");
    await expect.poll(told, { timeout: 20_000 }).toMatch(/it is not the log that the store was filled from/);
    await expect.poll(async () => (await lossesOf(cluster)).length, { timeout: 20_000 }).toBeGreaterThan(0);
    // The way on of docs/restore.md: an empty bucket takes in what the log has, and a process that shows more is
    // started again.
    await influx.remakeBucket(bucket);
    const [api] = cluster.apis as [ServiceProcess];
    await api.stop();
    await api.start();
    await publish(cluster, 4);
    await cluster.settled(60_000);
    const { received, stored } = await cluster.get<{ received: number; stored: number }>("/v1/status");
    expect([received, stored]).toEqual([4, 1].map((days) => days * meters.length * readingsEach));
  });

  test("H07: of three brokers nothing is lost: the others have it", async () => {
    const { kafka, cluster } = await startedOn(3);
    const [aggregator] = cluster.aggregators as [ServiceProcess];
    const [dataDir = ""] = kafka.dataDirs ?? [];
    await publish(cluster, 1);
    await cluster.settled(60_000);
    await aggregator.stop();
    for (const day of [2, 3]) await publish(cluster, day);
    const [node] = kafka.nodes;
    await node?.kill();
    await flipIn(dataDir, 1);
    await publish(cluster, 4);
    await node?.start();
    await publish(cluster, 5);
    await aggregator.start();
    await cluster.settled(60_000);
    const { received, stored } = await cluster.get<{ received: number; stored: number }>("/v1/status");
    expect([received, stored]).toEqual([5 * meters.length * readingsEach, 5 * meters.length * readingsEach]);
    expect(await lossesOf(cluster)).toEqual([]);
  });
});
