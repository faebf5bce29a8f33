// Goal: H10, H11 on servers: who sends for ever new meters is refused by an aggregator, in another process than the
// one that took the messages. It fills the sender's share all the same: the sender is named and held, others are not.
// Method: one client invents meters, real servers, shares as small as the settings allow.
import mqtt, { type MqttClient } from "mqtt";
import { afterAll, describe, expect, onTestFinished, test } from "vitest";
import { startCluster } from "../support/processes/meterbook-cluster.ts";
import type { ServiceProcess } from "../support/processes/service-process.ts";
import type { InfluxServer } from "../support/servers/influx-server.ts";
import type { KafkaServer } from "../support/servers/kafka-server.ts";
import { influxServer, kafkaServer } from "../support/servers/servers.ts";

const [kafka, influx] = await Promise.all([kafkaServer(), influxServer()]);
const isThere = kafka !== undefined && influx !== undefined;
afterAll(async () => {
  await Promise.all([kafka?.dispose(), influx?.dispose()]);
});

const report = (value: number) =>
  JSON.stringify({ readings: [{ register: "1.8.0", at: "2026-11-01T00:00:00Z", value, unit: "Wh" }] });

async function connected(url: string, clientId: string): Promise<MqttClient> {
  const client = await mqtt.connectAsync(url, { clientId, reconnectPeriod: 0 });
  onTestFinished(() => client.endAsync(true).catch(() => undefined) as Promise<void>);
  client.on("error", () => undefined);
  return client;
}

async function metric({ httpUrl }: ServiceProcess, line: RegExp): Promise<number> {
  const response = await fetch(`${httpUrl}/metrics`);
  return Number(line.exec(await response.text())?.[1] ?? 0);
}

describe.skipIf(!isThere)("what an aggregator refuses", { timeout: 120_000 }, () => {
  test("H10: an inventor of meters is held at the door of the ingest that took its messages; an honest client is not", async () => {
    const cluster = await startCluster({
      ...{ kafka: kafka as KafkaServer, influx: [influx as InfluxServer], ingests: 1, aggregators: 1, apis: 1 },
      settings: { METERBOOK_UNKNOWN_METERS: "refuse", METERBOOK_REJECTED_BYTES_PER_SENDER_MAX: "65536" },
    });
    onTestFinished(() => cluster.dispose());
    const [ingest] = cluster.ingests as [ServiceProcess];
    const hostile = await connected(ingest.mqttUrl, "hostile");
    const invented = Array.from({ length: 600 }, (_, n) => `invented-${n}`);
    await Promise.all(
      invented.map((meterId) => hostile.publishAsync(`meters/${meterId}/readings/json`, report(1), { qos: 1 })),
    );
    const held = () => metric(ingest, /^meterbook_rejected_senders_held (\d+)$/m);
    await expect.poll(held, { timeout: 30_000 }).toBe(1);
    await expect.poll(() => ingest.errors(), { timeout: 10_000 }).toMatch(/has filled its share.*sender=hostile/);
    // Every refusal is kept, whole or its beginning.
    const refused = async () => (await cluster.get<{ rejected: number }>("/v1/status")).rejected;
    await expect.poll(refused, { timeout: 30_000 }).toBe(invented.length);
    const closed = new Promise<string>((resolve) => hostile.once("close", () => resolve("closed")));
    const acknowledged = hostile.publishAsync("meters/invented-0/readings/json", "no report", { qos: 1 });
    const outcome = Promise.race([acknowledged.then(() => "acknowledged"), closed]);
    const honest = await connected(ingest.mqttUrl, "honest");
    await honest.publishAsync("meters/honest/readings/json", "no report", { qos: 1 });
    expect(await outcome).toBe("closed");
  });
});
