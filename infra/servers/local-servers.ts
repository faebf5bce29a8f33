import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { userInfo } from "node:os";
import { join } from "node:path";
import type { BackgroundProcess } from "./background-process.ts";
import { installedServers } from "./installed-servers.ts";
import { accepts, influxAnswers, kafkaAnswers } from "./server-answers.ts";
import { kafkaJvm, kafkaProperties, mosquittoConfiguration } from "./server-configuration.ts";
import type { ServersSettings } from "./servers-settings.ts";

/** One of the servers of `npm run servers -- start`. */
export interface LocalServer extends BackgroundProcess {
  readonly name: string;
  /** The ports that must be free before a start, by the setting that moves each. */
  readonly ports: Readonly<Record<string, number>>;
  /** What is not there to start it, with how to have it. */
  readonly missing: readonly string[];
  /** Writes its configuration and whatever it needs before its first start. */
  prepare(): void;
  /** What is to be done once it answers. */
  settle(): Promise<void>;
}

const clusterId = "meterbook-local-000000";
const byInstall = "npm run servers -- install";

export function localServers(settings: ServersSettings): readonly LocalServer[] {
  return [kafka(settings), influxdb(settings), mosquitto(settings)];
}

/** Lines for the environment of the services, or for a `.env` file. */
export function settingsForServices(settings: ServersSettings): readonly string[] {
  return [
    `METERBOOK_KAFKA_BROKERS=127.0.0.1:${settings.kafkaPort}`,
    `METERBOOK_INFLUX_URL=http://127.0.0.1:${settings.influxPort}`,
    `METERBOOK_INFLUX_TOKEN=${influxAccount(settings).token}`,
    `METERBOOK_INFLUX_ORG=${influxAccount(settings).org}`,
    `METERBOOK_INFLUX_BUCKET=${influxAccount(settings).bucket}`,
    "# only where meters shall speak to Mosquitto instead of our own endpoint:",
    `# METERBOOK_MQTT_URL=mqtt://127.0.0.1:${settings.mqttPort}`,
  ];
}

function kafka({ dataDir, kafkaPort, kafkaControllerPort }: ServersSettings): LocalServer {
  const directory = join(dataDir, "kafka");
  const { java, kafkaLibs } = installedServers();
  const properties = join(directory, "server.properties");
  const jvm = kafkaJvm(kafkaLibs ?? "");
  return {
    name: "kafka",
    directory,
    command: java ?? "java",
    arguments: [...jvm, "kafka.Kafka", properties],
    ports: {
      METERBOOK_SERVERS_KAFKA_PORT: kafkaPort,
      METERBOOK_SERVERS_KAFKA_CONTROLLER_PORT: kafkaControllerPort,
    },
    missing: [
      ...(java === undefined ? ["java (apt-get install default-jre-headless)"] : []),
      ...(kafkaLibs === undefined ? [`kafka (${byInstall})`] : []),
    ],
    prepare() {
      const node = { id: 1, port: kafkaPort, controllerPort: kafkaControllerPort, dataDir: join(directory, "data") };
      writeFileSync(properties, kafkaProperties(node, [node]));
      const format = ["kafka.tools.StorageTool", "format", "--ignore-formatted", "-t", clusterId, "-c", properties];
      if (!existsSync(join(node.dataDir, "meta.properties"))) execFileSync(java ?? "java", [...jvm, ...format]);
    },
    answers: () => kafkaAnswers(`127.0.0.1:${kafkaPort}`, 1),
    settle: async () => undefined,
  };
}

function influxdb(settings: ServersSettings): LocalServer {
  const directory = join(settings.dataDir, "influxdb");
  const { influxd } = installedServers();
  const address = `127.0.0.1:${settings.influxPort}`;
  const paths = { "--bolt-path": "influxd.bolt", "--sqlite-path": "influxd.sqlite", "--engine-path": "engine" };
  const places = Object.entries(paths).flatMap(([option, name]) => [option, join(directory, name)]);
  return {
    name: "influxdb",
    directory,
    command: influxd ?? "influxd",
    arguments: ["run", ...places, "--http-bind-address", address, "--reporting-disabled", "--log-level", "warn"],
    ports: { METERBOOK_SERVERS_INFLUX_PORT: settings.influxPort },
    missing: influxd === undefined ? [`influxdb (${byInstall})`] : [],
    prepare: () => undefined,
    answers: () => influxAnswers(`http://${address}`),
    async settle() {
      const { allowed } = (await (await fetch(`http://${address}/api/v2/setup`)).json()) as { allowed: boolean };
      if (!allowed) return;
      const body = JSON.stringify(influxAccount(settings));
      const answer = await fetch(`http://${address}/api/v2/setup`, { method: "POST", body });
      if (!answer.ok) throw new Error(`InfluxDB refused its first setup: ${answer.status} ${await answer.text()}`);
    },
  };
}

/** Made at the first start and kept beside the data. */
function influxAccount({ dataDir }: ServersSettings) {
  const file = join(dataDir, "influxdb", "account.json");
  if (!existsSync(file)) {
    mkdirSync(join(dataDir, "influxdb"), { recursive: true });
    const secret = () => randomBytes(24).toString("base64url");
    const names = { username: "meterbook", org: "meterbook", bucket: "meterbook" };
    writeFileSync(file, JSON.stringify({ ...names, password: secret(), token: secret() }), { mode: 0o600 });
  }
  return JSON.parse(readFileSync(file, "utf8")) as { token: string; org: string; bucket: string };
}

function mosquitto({ dataDir, mqttPort }: ServersSettings): LocalServer {
  const directory = join(dataDir, "mosquitto");
  const program = installedServers().mosquitto;
  const file = join(directory, "mosquitto.conf");
  return {
    name: "mosquitto",
    directory,
    command: program ?? "mosquitto",
    arguments: ["-c", file],
    ports: { METERBOOK_SERVERS_MQTT_PORT: mqttPort },
    missing: program === undefined ? ["mosquitto (apt-get install mosquitto)"] : [],
    prepare() {
      const options = { listener: `${mqttPort} 127.0.0.1`, dataDir: directory, user: userInfo().username };
      writeFileSync(file, mosquittoConfiguration(options));
    },
    answers: () => accepts(mqttPort),
    settle: async () => undefined,
  };
}
