import { createHash } from "node:crypto";
import { GenericContainer, Wait } from "testcontainers";
import { describe, expect, onTestFinished, test } from "vitest";
import { accepts, influxAnswers, kafkaAnswers } from "../../infra/servers/server-answers.ts";
import { startInflux } from "../support/servers/influx-server.ts";
import { startKafka } from "../support/servers/kafka-server.ts";
import { startMosquitto } from "../support/servers/mosquitto-server.ts";
import { dockerIsThere } from "../support/servers/server-way.ts";

/** What the other tests use where Docker is and native servers are not; CI runs this beside the native ones. */
describe.skipIf(!dockerIsThere)("servers in containers are killed and come back on the same address", () => {
  test("Kafka", async () => {
    const kafka = await startKafka({ as: "docker" });
    onTestFinished(() => kafka.dispose());
    await kafka.kill();
    await expect(kafkaAnswers(kafka.brokers[0] ?? "", 1)).rejects.toThrow();
    await kafka.start();
    expect(await kafkaAnswers(kafka.brokers[0] ?? "", 1)).toBe(true);
  });

  test("InfluxDB, with what it had", async () => {
    const influx = await startInflux("docker");
    onTestFinished(() => influx.dispose());
    const bucket = await influx.newBucket();
    await influx.kill();
    await expect(influxAnswers(influx.url)).rejects.toThrow();
    await influx.start();
    const headers = { authorization: `Token ${influx.token}` };
    const answer = await fetch(`${influx.url}/api/v2/buckets?name=${bucket}`, { headers });
    expect((await answer.json()) as object).toMatchObject({ buckets: [{ name: bucket }] });
  });

  test("Mosquitto", async () => {
    const mosquitto = await startMosquitto("", "docker");
    onTestFinished(() => mosquitto.dispose());
    const port = Number(new URL(mosquitto.url).port);
    await mosquitto.stop();
    await expect(accepts(port)).rejects.toThrow();
    await mosquitto.start();
    expect(await accepts(port)).toBe(true);
  });
});

/** METERBOOK_TEST_IMAGE names an image that infra/Dockerfile made: CI builds one. */
const image = process.env["METERBOOK_TEST_IMAGE"] ?? "";

describe.skipIf(!dockerIsThere || image === "")("the image of the services", () => {
  test("is healthy by its own health check, keeps its data, and is nobody", async () => {
    const key = "a-key-of-this-test";
    const sha256 = createHash("sha256").update(key).digest("hex");
    const keys = JSON.stringify({ name: "test", sha256, scopes: ["operator"] });
    const container = await new GenericContainer(image)
      .withCopyContentToContainer([{ target: "/tmp/api-keys", content: keys, mode: 0o644 }])
      .withEnvironment({ METERBOOK_API_KEYS_FILE: "/tmp/api-keys" })
      .withExposedPorts(8080, 1883)
      .withWaitStrategy(Wait.forHealthCheck())
      .start();
    onTestFinished(async () => void (await container.stop()));
    const answer = await fetch(`http://${container.getHost()}:${container.getMappedPort(8080)}/v1/status`, {
      headers: { authorization: `Bearer ${key}` },
    });
    expect(answer.status).toBe(200);
    expect((await container.exec(["id", "-u"])).output.trim()).toBe("1000");
    expect((await container.exec(["sh", "-c", "ls /data | wc -l"])).output.trim()).not.toBe("0");
  });
});
