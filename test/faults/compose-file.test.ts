// Goal: the commands of docs/servers.md for the compose file do what the page says, and `down` and `up` lose nothing.
// Method: each command as printed, with ports, names and secrets of this test. Grafana's image is left out.
import { execFile } from "node:child_process";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { describe, expect, onTestFinished, test } from "vitest";
import { installedServers } from "../../infra/servers/installed-servers.ts";
import { blockAfter } from "../support/documents/block-after.ts";
import { publishAll } from "../support/network/publisher.ts";
import { buildEnvironment, endsWell, npmRegistry } from "../support/servers/docker-build.ts";
import { freePorts } from "../support/servers/server-process.ts";
import { dockerIsThere } from "../support/servers/server-way.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));
const run = promisify(execFile);
const services = ["ingest", "aggregator", "api"];

/** Of the engine where it has one, else what `npm run servers -- install compose` made. */
const compose = (await endsWell("docker", ["compose", "version"])) ? "docker compose" : installedServers().compose;
const isThere = dockerIsThere && compose !== undefined;
if (!isThere) console.log("left out: the compose file, which needs a Docker engine and Docker Compose");

/** What is of this test alone: where the secrets lie, and how the image is built behind a mirror. */
async function overriding(scratch: string): Promise<string> {
  const build = { network: "host", args: { NPM_CONFIG_REGISTRY: await npmRegistry() } };
  const file = (name: string) => ({ file: join(scratch, name) });
  const content = {
    services: Object.fromEntries(services.map((name) => [name, { build }])),
    secrets: { "api-keys": file("api-keys"), "metrics-key": file("metrics-key") },
  };
  await writeFile(join(scratch, "override.json"), JSON.stringify(content));
  return join(scratch, "override.json");
}

/** Two minutes where the engine has built nothing of it yet. */
describe.skipIf(!isThere)("as docs/servers.md prints it", { timeout: 900_000 }, () => {
  test("keys are made, everything starts and is healthy, and `down` and `up` lose nothing", async () => {
    const scratch = await temporaryDirectory();
    const project = `meterbook-test-${process.pid}`;
    const [mqttPort, httpPort] = (await freePorts(2)) as [number, number];
    const [create = "", writeLine = "", writeKey = "", up = ""] = await blockAfter("docs/servers.md", "In containers");
    expect([create, writeLine, writeKey].map((line) => line.split(" ")[0])).toEqual(["npm", "printf", "printf"]);

    const { stdout: made } = await run("sh", ["-c", create], { cwd: root });
    const key = /^mb_\S+$/m.exec(made)?.[0] ?? "";
    const line = /^\{.*\}$/m.exec(made)?.[0] ?? "";
    for (const command of [writeLine, writeKey]) {
      const here = command.replace("<its line>", line).replace("<the key>", key);
      await run("sh", ["-c", here.replaceAll("infra/compose/secrets/", `${scratch}/`)]);
    }

    const files = `-p ${project} -f ${root}infra/compose.yaml -f ${await overriding(scratch)}`;
    const env = {
      ...(await buildEnvironment()),
      METERBOOK_COMPOSE_MQTT: `127.0.0.1:${mqttPort}`,
      METERBOOK_COMPOSE_HTTP: `127.0.0.1:${httpPort}`,
      METERBOOK_COMPOSE_VERSION: project,
      METERBOOK_COMPOSE_GRAFANA_PASSWORD: "not-started",
      METERBOOK_INFLUX_TOKEN: "a-secret-of-this-test",
    };
    const carryOut = async (command: string) => {
      const here = command
        .replace("docker compose", compose ?? "")
        .replace("-f infra/compose.yaml", files)
        .replace("<a secret>", env.METERBOOK_INFLUX_TOKEN)
        .replace("<another>", env.METERBOOK_COMPOSE_GRAFANA_PASSWORD);
      return (await run("sh", ["-c", here], { env, maxBuffer: 2 ** 26 })).stdout;
    };
    const ofProject = (command: string) => carryOut(`docker compose -f infra/compose.yaml ${command}`);
    onTestFinished(async () => {
      await ofProject("down --volumes --remove-orphans --timeout 40");
      await run("docker", ["rmi", "-f", `meterbook:${project}`]);
    });

    await carryOut(`${up} ${services.join(" ")} prometheus`);
    const report = JSON.stringify({
      readings: [{ register: "1.8.0", at: "2026-11-01T00:00:00Z", value: 1, unit: "Wh" }],
    });
    await publishAll(() => `mqtt://127.0.0.1:${mqttPort}`, [{ topic: "meters/m-1/readings/json", payload: report }]);
    const stored = async () => {
      const headers = { authorization: `Bearer ${key}` };
      const answer = await fetch(`http://127.0.0.1:${httpPort}/v1/status`, { headers }).catch(() => undefined);
      return ((await answer?.json()) as { stored?: number } | undefined)?.stored;
    };
    await expect.poll(stored).toBe(1);
    const targets = async () => {
      const ask = `exec -T prometheus wget -qO- "http://localhost:9090/api/v1/targets?state=active"`;
      const { data } = JSON.parse(await ofProject(ask)) as {
        data: { activeTargets: { labels: { job: string }; health: string }[] };
      };
      return data.activeTargets.map(({ labels, health }) => `${labels.job} ${health}`).sort();
    };
    await expect.poll(targets, { timeout: 60_000 }).toEqual(["aggregator up", "api up", "ingest up"]);

    await ofProject("down --timeout 40");
    await carryOut(`${up} --scale aggregator=2 ${services.join(" ")}`);
    await expect.poll(stored).toBe(1);
    expect((await ofProject("ps -q aggregator")).trim().split("\n")).toHaveLength(2);
  });
});

test("each setting of the page stands in the compose file", async () => {
  const file = await readFile(join(root, "infra/compose.yaml"), "utf8");
  const [, , , up = ""] = await blockAfter("docs/servers.md", "In containers");
  for (const [name] of up.matchAll(/METERBOOK_\w+/g)) expect(file).toContain(`\${${name}:?`);
});
