import { describe, expect, onTestFinished, test } from "vitest";
import { influxIsThere } from "../support/servers/influx-server.ts";
import { kafkaIsThere } from "../support/servers/kafka-server.ts";
import { mosquittoIsThere } from "../support/servers/mosquitto-server.ts";
import { influxServer, kafkaServer, mosquittoServer } from "../support/servers/servers.ts";

/** The servers on which the other tests stand. */
describe("real servers start, and start again after a kill", { timeout: 120_000 }, () => {
  test.skipIf(!kafkaIsThere())("Kafka", async () => {
    const kafka = await kafkaServer();
    onTestFinished(async () => kafka?.dispose());
    expect(kafka?.brokers).toHaveLength(1);
    await kafka?.nodes[0]?.kill();
    await kafka?.nodes[0]?.start();
  });

  test.skipIf(!kafkaIsThere(3))("Kafka with three brokers", async () => {
    const kafka = await kafkaServer({ brokers: 3 });
    onTestFinished(async () => kafka?.dispose());
    expect(kafka?.brokers).toHaveLength(3);
  });

  test.skipIf(!influxIsThere())("InfluxDB", async () => {
    const influx = await influxServer();
    onTestFinished(async () => influx?.dispose());
    const bucket = await influx?.newBucket();
    await influx?.kill();
    await influx?.start();
    const response = await fetch(`${influx?.url}/api/v2/buckets?name=${bucket}`, {
      headers: { authorization: `Token ${influx?.token}` },
    });
    expect((await response.json()) as object).toMatchObject({ buckets: [{ name: bucket }] });
  });

  test.skipIf(!mosquittoIsThere())("Mosquitto", async () => {
    const mosquitto = await mosquittoServer();
    onTestFinished(async () => mosquitto?.dispose());
    await mosquitto?.kill();
    await mosquitto?.start();
  });
});
