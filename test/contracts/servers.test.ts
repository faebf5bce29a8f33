import { describe, expect, onTestFinished, test } from "vitest";
import { influxIsThere, startInflux } from "../support/servers/influx-server.ts";
import { kafkaIsThere, startKafka } from "../support/servers/kafka-server.ts";
import { mosquittoIsThere, startMosquitto } from "../support/servers/mosquitto-server.ts";

/** The servers on which the other tests stand. */
describe("real servers start, and start again after a kill", { timeout: 120_000 }, () => {
  test.skipIf(!kafkaIsThere())("Kafka", async () => {
    const kafka = await startKafka();
    onTestFinished(() => kafka.dispose());
    expect(kafka.brokers).toHaveLength(1);
    await kafka.nodes[0]?.kill();
    await kafka.nodes[0]?.start();
  });

  test.skipIf(!kafkaIsThere())("Kafka with three brokers", async () => {
    const kafka = await startKafka({ brokers: 3 });
    onTestFinished(() => kafka.dispose());
    expect(kafka.brokers).toHaveLength(3);
  });

  test.skipIf(!influxIsThere())("InfluxDB", async () => {
    const influx = await startInflux();
    onTestFinished(() => influx.dispose());
    const bucket = await influx.newBucket();
    await influx.kill();
    await influx.start();
    const response = await fetch(`${influx.url}/api/v2/buckets?name=${bucket}`, {
      headers: { authorization: `Token ${influx.token}` },
    });
    expect((await response.json()) as object).toMatchObject({ buckets: [{ name: bucket }] });
  });

  test.skipIf(!mosquittoIsThere())("Mosquitto", async () => {
    const mosquitto = await startMosquitto();
    onTestFinished(() => mosquitto.dispose());
    await mosquitto.kill();
    await mosquitto.start();
  });
});
