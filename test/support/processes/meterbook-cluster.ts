import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type ApiClient, apiClient } from "../network/api-client.ts";
import { startTcpBalancer } from "../network/tcp-balancer.ts";
import type { InfluxServer } from "../servers/influx-server.ts";
import type { KafkaServer } from "../servers/kafka-server.ts";
import { type ServiceName, type ServiceProcess, serviceProcess } from "./service-process.ts";

export interface ClusterOptions {
  readonly kafka: Pick<KafkaServer, "brokers">;
  /** Where there are several, each holds an equal range of buckets. */
  readonly influx: readonly InfluxServer[];
  /** Meters speak to this broker instead of our endpoint. */
  readonly brokerUrl?: string;
  /** What the ingest of this number subscribes to there; a shared subscription to all where absent. */
  readonly brokerTopics?: (ingest: number) => readonly string[];
  readonly ingests?: number;
  readonly aggregators?: number;
  readonly apis?: number;
  readonly partitions?: number;
  readonly settings?: Readonly<Record<string, string>>;
}

/** Meterbook as processes on servers. Everything in it may be killed, stopped and started again. */
export interface MeterbookCluster extends ApiClient {
  /** Where meters report: a balancer before the ingests, or the broker. */
  readonly mqttUrl: string;
  /** Of the first API that runs. */
  readonly httpUrl: string;
  readonly ingests: readonly ServiceProcess[];
  readonly aggregators: readonly ServiceProcess[];
  readonly apis: readonly ServiceProcess[];
  /** Its own client, beside the one of the first API. */
  clientOf(api: ServiceProcess): ApiClient;
  /** Starts one more, which takes some partitions over. */
  addAggregator(environment?: Readonly<Record<string, string>>): Promise<ServiceProcess>;
  /** Where the API of this number keeps its views. */
  viewsOf(api: number): string;
  /** In front of the names of its topics. */
  readonly topicPrefix: string;
  dispose(): Promise<void>;
}

/** The shortest that a broker allows, so that a silent aggregator is missed soon. */
const sessionSeconds = "6";

export async function startCluster(options: ClusterOptions): Promise<MeterbookCluster> {
  const { ingests: ingestCount = 2, aggregators: aggregatorCount = 2, apis: apiCount = 2 } = options;
  const directory = await mkdtemp(join(tmpdir(), "meterbook-cluster-"));
  // Several may be started at the same time.
  clusters += 1;
  const name = `cluster${clusters}`;
  const environment = await commonSettings(options, name);
  const made: ServiceProcess[] = [];

  function service(name: ServiceName, number: number, more: Readonly<Record<string, string>> = {}): ServiceProcess {
    const own = { METERBOOK_DATA_DIR: join(directory, `${name}-${number}`), ...environment, ...more };
    const process = serviceProcess(name, { environment: own, cwd: directory });
    made.push(process);
    return process;
  }

  const numbered = (count: number) => Array.from({ length: count }, (_, index) => index);
  const ingests = numbered(ingestCount).map((n) => service("ingest", n, brokerSettings(options, name, n)));
  const aggregators = numbered(aggregatorCount).map((n) => service("aggregator", n));
  const apis = numbered(apiCount).map((n) => service("api", n));
  const balancer = await startTcpBalancer(() => ingests.map(({ mqttUrl }) => mqttUrl));
  const errors = () => made.map((one) => one.errors().slice(-1500)).join("\n");
  const first = () => apis.find(({ isRunning }) => isRunning) ?? apis[0];
  const client = apiClient(() => first()?.httpUrl ?? "", errors);

  async function dispose(): Promise<void> {
    await Promise.all(made.map((one) => one.kill()));
    await balancer.close();
    await rm(directory, { recursive: true, force: true, maxRetries: 3 });
  }

  try {
    // The first makes the topics.
    await ingests[0]?.start();
    await Promise.all(made.filter((one) => one !== ingests[0]).map((one) => one.start()));
  } catch (error) {
    await dispose();
    throw error;
  }
  return {
    ...client,
    mqttUrl: options.brokerUrl ?? `mqtt://${balancer.address}`,
    get httpUrl() {
      return first()?.httpUrl ?? "";
    },
    ingests,
    aggregators,
    apis,
    clientOf: (api) => apiClient(() => api.httpUrl, errors),
    async addAggregator(more = {}) {
      const added = service("aggregator", aggregators.length, more);
      aggregators.push(added);
      await added.start();
      return added;
    },
    viewsOf: (api) => join(directory, `api-${api}`),
    topicPrefix: `${name}.`,
    dispose,
  };
}

let clusters = 0;

async function commonSettings({ kafka, influx, partitions = 4, settings }: ClusterOptions, name: string) {
  const [first] = influx;
  const buckets = await Promise.all(influx.map((server) => server.newBucket()));
  return {
    METERBOOK_KAFKA_BROKERS: kafka.brokers.join(","),
    METERBOOK_KAFKA_TOPIC_PREFIX: `${name}.`,
    METERBOOK_KAFKA_CREATE_TOPICS: "on",
    METERBOOK_KAFKA_PARTITIONS: String(partitions),
    METERBOOK_KAFKA_SESSION_SECONDS: sessionSeconds,
    METERBOOK_INFLUX_URL: influx.map(({ url }, index) => `${url}${rangeOf(index, influx.length)}`).join(","),
    METERBOOK_INFLUX_TOKEN: first?.token ?? "",
    METERBOOK_INFLUX_ORG: first?.org ?? "",
    METERBOOK_INFLUX_BUCKET: buckets[0] ?? "",
    ...settings,
  };
}

/** Nothing where one server holds all. */
function rangeOf(index: number, count: number): string {
  if (count === 1) return "";
  const digits = (bucket: number) => bucket.toString(16).padStart(2, "0");
  const width = 256 / count;
  return `=${digits(index * width)}-${digits((index + 1) * width - 1)}`;
}

/** Each ingest has a session of its own and takes its share. */
function brokerSettings(
  { brokerUrl, ingests = 2, brokerTopics }: ClusterOptions,
  name: string,
  number: number,
): Record<string, string> {
  if (brokerUrl === undefined) return {};
  const topics = ["meters/+/readings", "meters/+/readings/json"];
  const shared = ingests > 1 ? topics.map((topic) => `$share/meterbook/${topic}`) : topics;
  return {
    METERBOOK_MQTT_URL: brokerUrl,
    METERBOOK_MQTT_CLIENT_ID: `${name}-ingest-${number}`,
    METERBOOK_MQTT_TOPICS: (brokerTopics?.(number) ?? shared).join(","),
  };
}
