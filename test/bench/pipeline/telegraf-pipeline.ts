import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { kafkaConnection } from "@meterbook/adapters/kafka/client/kafka-connection";
import { installedServers } from "../../../infra/servers/installed-servers.ts";
import { startMosquitto } from "../../support/servers/mosquitto-server.ts";
import { type ServerProcess, serverProcess } from "../../support/servers/server-process.ts";
import type { FreshServers } from "../fresh-servers.ts";
import type { Pipeline, RunningPipeline } from "./pipeline.ts";

/** What its meters send: protobuf by `xpath_protobuf`, JSON by `json_v2`, or line protocol, its cheapest form. */
export type TelegrafForm = "protobuf" | "json" | "line" | "line-32";

// Settings found best beforehand for this load: larger batches and a shorter interval than its defaults, which would be
// unfair to it.
const agent = `[agent]
  interval = "1s"
  flush_interval = "200ms"
  flush_jitter = "0s"
  metric_batch_size = 5000
  metric_buffer_limit = 200000
  omit_hostname = true
  skip_processors_after_aggregators = true
`;

const proto = `syntax = "proto3";
package peers;
message Reading { string meter = 1; int64 ts = 2; int64 a = 3; int64 b = 4; int64 c = 5; }
`;

const fields = ["a", "b", "c"];

/**
 * All that may be under way must have room in its buffer, or it drops what was acknowledged: a report of 32 is 32
 * metrics.
 */
const undelivered = { each: 20_000, reportsOf32: 2000 };

function mqttInput(form: TelegrafForm, port: string, directory: string): string {
  const common = `[[inputs.mqtt_consumer]]
  servers = ["tcp://127.0.0.1:${port}"]
  topics = ["meters/+/readings"]
  topic_tag = ""
  qos = 1
  client_id = "telegraf-a"
  persistent_session = true
  max_undelivered_messages = ${form === "line-32" ? undelivered.reportsOf32 : undelivered.each}
`;
  if (form === "line" || form === "line-32") return `${common}  data_format = "influx"\n`;
  if (form === "json") {
    const field = (name: string) => `  [[inputs.mqtt_consumer.json_v2.field]]
    path = "${name}"
    type = "int"
`;
    return `${common}  data_format = "json_v2"
  [[inputs.mqtt_consumer.json_v2]]
    measurement_name = "r"
    timestamp_path = "ts"
    timestamp_format = "unix"
    [[inputs.mqtt_consumer.json_v2.tag]]
      path = "meter"
      rename = "m"
${fields.map(field).join("")}`;
  }
  return `${common}  data_format = "xpath_protobuf"
  xpath_protobuf_files = ["reading.proto"]
  xpath_protobuf_import_paths = ["${directory}"]
  xpath_protobuf_type = "peers.Reading"
  xpath_native_types = true
  [[inputs.mqtt_consumer.xpath]]
    metric_name = "string('r')"
    timestamp = "/ts"
    timestamp_format = "unix"
    [inputs.mqtt_consumer.xpath.tags]
      m = "/meter"
    [inputs.mqtt_consumer.xpath.fields]
${fields.map((name) => `      ${name} = "/${name}"\n`).join("")}`;
}

const topic = "telegraf";

function kafkaOutput(broker: string): string {
  return `[[outputs.kafka]]
  brokers = ["${broker}"]
  topic = "${topic}"
  version = "2.6.0"
  routing_tag = "m"
  required_acks = -1
  idempotent_writes = true
  compression_codec = 3
  producer_timestamp = "now"
  data_format = "influx"
`;
}

function kafkaInput(broker: string): string {
  return `[[inputs.kafka_consumer]]
  brokers = ["${broker}"]
  kafka_version = "2.6.0"
  topics = ["${topic}"]
  consumer_group = "telegraf-b"
  offset = "oldest"
  balance_strategy = "sticky"
  max_undelivered_messages = 50000
  max_processing_time = "5s"
  consumer_fetch_default = "4MB"
  data_format = "influx"
`;
}

function influxOutput({ influx }: FreshServers): string {
  return `[[outputs.influxdb_v2]]
  urls = ["${influx.url}"]
  token = "${influx.token}"
  organization = "${influx.org}"
  bucket = "${influx.bucket}"
  content_encoding = "gzip"
  timeout = "30s"
  concurrent_writes = 1
`;
}

/** mosquitto, Telegraf A (MQTT to Kafka), Kafka, Telegraf B (Kafka to InfluxDB). */
export function telegrafPipeline(form: TelegrafForm): Pipeline {
  return {
    name: `Telegraf, ${form}`,
    load: `peer-${form}`,
    start: (servers) => startTelegraf(form, servers),
  };
}

async function startTelegraf(form: TelegrafForm, servers: FreshServers): Promise<RunningPipeline> {
  const broker = servers.kafka.brokers[0] ?? "";
  await makeTopic(broker);
  const directory = await mkdtemp(join(tmpdir(), "meterbook-telegraf-"));
  const mosquitto = await startMosquitto();
  const { port } = new URL(mosquitto.url);
  await writeFile(join(directory, "reading.proto"), proto);
  const a = await telegraf(directory, "a", agent + mqttInput(form, port, directory) + kafkaOutput(broker));
  const b = await telegraf(directory, "b", agent + kafkaInput(broker) + influxOutput(servers));
  return {
    port: Number(port),
    bridge: { "telegraf a": a, "telegraf b": b },
    front: { mosquitto },
    countQueries: ["SELECT count(a) FROM r"],
    rowQueries: ["SELECT m, a FROM r"],
    probeQuery: (meterId, at) => `SELECT a FROM r WHERE m = '${meterId}' AND time = ${at}s`,
    async dispose() {
      await Promise.all([a.kill(), b.kill()]);
      await mosquitto.dispose();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

async function makeTopic(broker: string): Promise<void> {
  const settings = { brokers: [broker], topicPrefix: "", compression: "none" } as const;
  const admin = kafkaConnection(settings, { clientId: "bench", log: () => undefined }).client.admin();
  await admin.connect();
  await admin.createTopics({ topics: [{ topic, numPartitions: 4 }], waitForLeaders: true });
  await admin.disconnect();
}

/** Started, and connected to what it reads from. */
async function telegraf(directory: string, name: string, configuration: string): Promise<ServerProcess> {
  const file = join(directory, `${name}.conf`);
  await writeFile(file, configuration);
  const process = serverProcess({
    command: installedServers().telegraf ?? "telegraf",
    arguments: ["--config", file],
    answers: async () =>
      name === "a" ? process.output().includes("Connected") : process.output().includes("Loaded outputs"),
  });
  await process.start();
  return process;
}
