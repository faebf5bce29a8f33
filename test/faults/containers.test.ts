import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { GenericContainer, Wait } from "testcontainers";
import { describe, expect, onTestFinished, test } from "vitest";
import { accepts, influxAnswers, kafkaAnswers } from "../../infra/servers/server-answers.ts";
import { blockAfter } from "../support/documents/block-after.ts";
import { publishAll } from "../support/network/publisher.ts";
import { buildEnvironment, npmRegistry } from "../support/servers/docker-build.ts";
import { startInflux } from "../support/servers/influx-server.ts";
import { startKafka } from "../support/servers/kafka-server.ts";
import { startMosquitto } from "../support/servers/mosquitto-server.ts";
import { freePorts } from "../support/servers/server-process.ts";
import { dockerIsThere } from "../support/servers/server-way.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

if (!dockerIsThere) console.log("left out: what needs a Docker engine, which does not answer here (DOCKER_HOST)");

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

const root = fileURLToPath(new URL("../../", import.meta.url));
const run = promisify(execFile);

/** Two minutes where the engine has built nothing of it yet. */
describe.skipIf(!dockerIsThere)("as docs/running.md prints it", { timeout: 900_000 }, () => {
  test("the image is built, runs, makes a backup that can be copied out and verified, and is replaced by a new one", async () => {
    const scratch = await temporaryDirectory();
    const name = `meterbook-test-${process.pid}`;
    const [mqttPort, httpPort] = (await freePorts(2)) as [number, number];
    const key = "a-key-of-this-test";
    const sha256 = createHash("sha256").update(key).digest("hex");
    await writeFile(join(scratch, "api-keys"), JSON.stringify({ name: "test", sha256, scopes: ["operator"] }));
    const [registry, env] = [await npmRegistry(), await buildEnvironment()];

    async function carryOut(command: string): Promise<string> {
      const here = command
        .replace("docker build ", `docker build --network host --build-arg NPM_CONFIG_REGISTRY=${registry} `)
        .replace(" -t meterbook .", ` -t ${name} ${root}`)
        .replace("-f infra/", `-f ${root}infra/`)
        .replace("--name meterbook ", `--name ${name} `)
        .replace("meterbook-data:", `${name}-data:`)
        .replace("meterbook-backups:", `${name}-backups:`)
        .replace("cp meterbook:", `cp ${name}:`)
        .replace(":1883:", `:${mqttPort}:`)
        .replace(":8080:", `:${httpPort}:`)
        .replace(/ meterbook$/, ` ${name}`)
        .replace("exec meterbook ", `exec ${name} `);
      return (await run("sh", ["-c", here], { cwd: scratch, env, maxBuffer: 2 ** 26 })).stdout;
    }
    onTestFinished(async () => {
      for (const line of [`rm -f ${name}`, `volume rm -f ${name}-data ${name}-backups`, `rmi -f ${name}`])
        await run("docker", line.split(" ")).catch(() => undefined);
    });
    const ready = async () =>
      (await fetch(`http://127.0.0.1:${httpPort}/readyz`).catch(() => undefined))?.status ?? "no answer";

    const [build = "", start = "", backup = "", copy = ""] = await blockAfter("docs/running.md", "Container");
    expect([build, start, backup, copy].map((line) => line.split(" ")[1])).toEqual(["build", "run", "exec", "cp"]);
    await carryOut(build);
    await carryOut(start);
    await expect.poll(ready, { timeout: 60_000, interval: 500 }).toBe(200);
    const report = JSON.stringify({
      readings: [{ register: "1.8.0", at: "2026-11-01T00:00:00Z", value: 1, unit: "Wh" }],
    });
    await publishAll(() => `mqtt://127.0.0.1:${mqttPort}`, [{ topic: "meters/m-1/readings/json", payload: report }]);
    await carryOut(backup);
    await carryOut(copy);
    const { stdout } = await run("npm", ["run", "-s", "verify", "--", "--data", join(scratch, "2026-11-29")], {
      cwd: root,
    });
    expect(stdout).toContain("all is well");
    // The upgrade of the page: stop, and start the new image on the same data.
    await run("docker", ["stop", name]);
    const { stdout: code } = await run("docker", ["inspect", "--format", "{{.State.ExitCode}}", name]);
    expect(code.trim()).toBe("0");
    await run("docker", ["rm", name]);
    await carryOut(start);
    await expect.poll(ready, { timeout: 60_000, interval: 500 }).toBe(200);
    const stored = async () => {
      const headers = { authorization: `Bearer ${key}` };
      const answer = await fetch(`http://127.0.0.1:${httpPort}/v1/status`, { headers });
      return ((await answer.json()) as { stored?: number }).stored;
    };
    await expect.poll(stored).toBe(1);
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
