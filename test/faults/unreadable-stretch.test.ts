// Goal: where a broker can give nothing of the beginning of a partition, whoever owns the partition names it with the
// setting that goes on behind it, nobody else does, and with the setting everything behind it is taken in.
// Method: a real Kafka; the length of the first batch of two partitions is damaged on its disk.
import { open, readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, describe, expect, onTestFinished, test } from "vitest";
import { publishAll } from "../support/network/publisher.ts";
import { startCluster } from "../support/processes/meterbook-cluster.ts";
import type { ServiceProcess } from "../support/processes/service-process.ts";
import type { InfluxServer } from "../support/servers/influx-server.ts";
import type { KafkaServer } from "../support/servers/kafka-server.ts";
import { influxServer, kafkaServer } from "../support/servers/servers.ts";

const [kafka, influx] = await Promise.all([kafkaServer(), influxServer()]);
const isThere = kafka?.dataDirs !== undefined && influx !== undefined;
afterAll(async () => {
  await Promise.all([kafka?.dispose(), influx?.dispose()]);
});

const topicPrefix = "stretch.";
const meters = Array.from({ length: 20 }, (_, index) => `m-${index + 1}`);
const readingsEach = 48;

function messagesOf(day: number) {
  const readings = Array.from({ length: readingsEach }, (_, half) => ({
    ...{ register: "1.8.0", unit: "Wh", value: 1000 * day + half },
    at: new Date(Date.UTC(2026, 9, day, 0, 30 * half)).toISOString(),
  }));
  return meters.map((meterId) => ({
    topic: `meters/${meterId}/readings/json`,
    payload: JSON.stringify({ readings }),
  }));
}

/** The partition's first batch says that it is longer than it can be. */
async function damageFirstBatch(partition: number): Promise<void> {
  const [dataDir = ""] = kafka?.dataDirs ?? [];
  const path = join(dataDir, `${topicPrefix}readings.v1-${partition}`, `${"0".repeat(20)}.log`);
  const bytes = await readFile(path);
  const length = Buffer.alloc(4);
  length.writeUInt32BE((bytes.readUInt32BE(8) ^ 0x8000_0000) >>> 0);
  const handle = await open(path, "r+");
  await handle.write(length, 0, 4, 8);
  await handle.close();
}

async function notices({ httpUrl }: ServiceProcess): Promise<string> {
  const response = await fetch(`${httpUrl}/readyz`, { signal: AbortSignal.timeout(2000) });
  return ((await response.json()) as { notices: readonly string[] }).notices.join("; ");
}

const setting = /METERBOOK_KAFKA_PASS_OVER=(stretch\.readings\.v1\/(\d)\/0-\d+)/g;
const named = async (process: ServiceProcess) => [...(await notices(process)).matchAll(setting)];
const partitionsNamed = async (process: ServiceProcess) =>
  (await named(process)).map(([, , one]) => Number(one)).sort();

interface Entry {
  readonly place: string;
  readonly code: string;
}

describe.skipIf(!isThere)("a stretch that the broker cannot give", { timeout: 240_000 }, () => {
  test("H07: /readyz of its owner names the setting, and with it all that is behind is taken in", async () => {
    const servers = { kafka: kafka as KafkaServer, influx: [influx as InfluxServer] };
    const settings = { METERBOOK_SETTLE_SECONDS: "1", METERBOOK_KAFKA_TOPIC_PREFIX: topicPrefix };
    const cluster = await startCluster({ ...servers, ingests: 1, aggregators: 0, apis: 1, partitions: 2, settings });
    onTestFinished(() => cluster.dispose());
    for (let day = 1; day <= 12; day += 1) await publishAll(() => cluster.mqttUrl, messagesOf(day));
    await damageFirstBatch(0);
    await damageFirstBatch(1);

    const first = await cluster.addAggregator();
    await expect.poll(() => partitionsNamed(first), { timeout: 60_000 }).toEqual([0, 1]);
    const second = await cluster.addAggregator();
    const both = async () => [await partitionsNamed(first), await partitionsNamed(second)];
    await expect.poll(async () => (await both()).map((of) => of.length), { timeout: 60_000 }).toEqual([1, 1]);
    expect((await both()).flat().sort()).toEqual([0, 1]);

    const stretches = [...(await named(first)), ...(await named(second))].map(([, stretch = ""]) => stretch);
    const beyond = stretches.map((stretch) => stretch.replace(/-\d+$/, "-9999")).join(",");
    await Promise.all([first.stop(), second.stop()]);
    await expect(first.start({ METERBOOK_KAFKA_PASS_OVER: beyond })).rejects.toThrow(/ends before 9999/);
    const passOver = { METERBOOK_KAFKA_PASS_OVER: stretches.join(",") };
    await first.start(passOver);
    const [api] = cluster.apis as [ServiceProcess];
    await api.stop();
    await api.start(passOver);
    await cluster.settled(60_000);
    const skipped = stretches.reduce((sum, stretch) => sum + Number(stretch.split("-").at(-1)) + 1, 0);
    const { items } = await cluster.get<{ items: Entry[] }>("/v1/damage?limit=1000");
    const ofLog = items.filter(({ place }) => place === "readings-log");
    const [lost = [], unread = []] = [true, false].map((isLost) =>
      ofLog.filter(({ code }) => (code === "records_lost") === isLost),
    );
    expect(unread).toHaveLength(skipped);
    // How many readings those records held, the writer's own count tells.
    expect(lost.length).toBeLessThanOrEqual(stretches.length);
    const { stored, received } = await cluster.get<{ stored: number; received: number }>("/v1/status");
    expect(received).toBe(12 * readingsEach * meters.length);
    expect(stored).toBeGreaterThan(0);
    expect(stored).toBeLessThan(received);
    expect(await notices(first)).not.toContain("METERBOOK_KAFKA_PASS_OVER");
  });
});
