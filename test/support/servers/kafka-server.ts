import { execFile } from "node:child_process";
import { cp, mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { installedServers } from "../../../infra/servers/installed-servers.ts";
import { kafkaAnswers } from "../../../infra/servers/server-answers.ts";
import { type KafkaNode, kafkaJvm, kafkaProperties } from "../../../infra/servers/server-configuration.ts";
import { containerProcess, images } from "./container-process.ts";
import type { ServerProcess } from "./server-process.ts";
import { freePorts, serverProcess, withProcess } from "./server-process.ts";
import { type ServerWay, serverWay } from "./server-way.ts";

/** A real Apache Kafka (KRaft). What is done to it is done to each broker; `nodes` are for one of them. */
export interface KafkaServer extends ServerProcess {
  /** `host:port` of each broker. */
  readonly brokers: readonly string[];
  /** One process per broker. */
  readonly nodes: readonly ServerProcess[];
  /** Where each broker has its logs; undefined where they are out of reach (a container). */
  readonly dataDirs: readonly string[] | undefined;
  /** Stops it, copies its logs, starts it again; undefined where they are out of reach. */
  keepCopy: (() => Promise<KafkaCopy>) | undefined;
  dispose(): Promise<void>;
}

/** What a cluster had at some moment. */
export interface KafkaCopy {
  /**
   * Stops the brokers, replaces their data with this copy, and starts them again: what a restore of their disks does.
   */
  putBack(): Promise<void>;
}

const shortLived = ["-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC"];

const clusterId = "meterbook-tests-000000";

/** Whether `startKafka` can start one here. Three brokers need a native Kafka. */
export function kafkaIsThere(brokers: 1 | 3 = 1): boolean {
  return brokers === 1 ? way() !== undefined : way() === "native";
}

function way(): ServerWay | undefined {
  const { kafkaLibs, java } = installedServers();
  return serverWay(kafkaLibs !== undefined && java !== undefined);
}

export interface KafkaOptions {
  readonly brokers?: 1 | 3;
  readonly as?: ServerWay | undefined;
  /**
   * Compiled for speed as one that runs for good is. A test's ends before that pays: without, it takes a third less
   * CPU. Native only.
   */
  readonly isMeasured?: boolean;
  /** Lines after ours in `server.properties`, which win; and arguments for formatting the storage. Native only. */
  readonly properties?: (node: KafkaNode) => string;
  readonly format?: readonly string[];
}

/** Throws where `kafkaIsThere` says no. */
export async function startKafka(options: KafkaOptions = {}): Promise<KafkaServer> {
  const { brokers = 1, as = way() } = options;
  if (as === "native") return startNativeKafka(brokers, options);
  if (as === "docker" && brokers === 1) return startKafkaContainer();
  throw new Error(`no Kafka with ${brokers} broker(s) can be had here: npm run servers -- install`);
}

async function startNativeKafka(
  count: number,
  { properties: more = () => "", format = [], isMeasured = false }: KafkaOptions,
): Promise<KafkaServer> {
  const { kafkaLibs = "", java = "java" } = installedServers();
  const directory = await mkdtemp(join(tmpdir(), "meterbook-kafka-"));
  const ports = await freePorts(2 * count);
  const nodes = Array.from({ length: count }, (_, i) => ({
    id: i + 1,
    port: ports[2 * i] as number,
    controllerPort: ports[2 * i + 1] as number,
    dataDir: join(directory, `data-${i + 1}`),
  }));
  const jvm = [...kafkaJvm(kafkaLibs), ...(isMeasured ? [] : shortLived)];
  const processes = await Promise.all(
    nodes.map(async (node) => {
      const properties = join(directory, `server-${node.id}.properties`);
      await writeFile(properties, kafkaProperties(node, nodes) + more(node));
      const formatted = [...jvm, "kafka.tools.StorageTool", "format", "-t", clusterId, "-c", properties, ...format];
      await promisify(execFile)(java, formatted);
      return serverProcess({
        command: java,
        arguments: [...jvm, "kafka.Kafka", properties],
        answers: () => kafkaAnswers(`127.0.0.1:${node.port}`, count),
      });
    }),
  );
  return started(
    nodes.map(({ port }) => `127.0.0.1:${port}`),
    processes,
    nodes.map(({ dataDir }) => dataDir),
    async () => {
      await Promise.all(processes.map((one) => one.kill()));
      await rm(directory, { recursive: true, force: true });
    },
  );
}

async function startKafkaContainer(): Promise<KafkaServer> {
  const [port] = (await freePorts(1)) as [number];
  const node = { id: 1, port, controllerPort: port === 9093 ? 9094 : 9093, dataDir: "/tmp/kafka-data" };
  const properties = "/tmp/server.properties";
  const java = `java ${kafkaJvm("/opt/kafka/libs").join(" ").replace("/opt/kafka/libs/*", "'$&'")}`;
  const format = `${java} kafka.tools.StorageTool format --ignore-formatted -t ${clusterId} -c ${properties}`;
  const container = await containerProcess({
    image: images.kafka,
    command: ["sh", "-c", `${format} && exec ${java} kafka.Kafka ${properties}`],
    files: [{ target: properties, content: kafkaProperties(node, [node], "0.0.0.0") }],
    ports: [{ container: port, host: port }],
    answers: () => kafkaAnswers(`127.0.0.1:${port}`, 1),
  });
  return started([`127.0.0.1:${port}`], [container], undefined, () => container.dispose());
}

async function started(
  brokers: string[],
  nodes: ServerProcess[],
  dataDirs: string[] | undefined,
  dispose: () => Promise<void>,
): Promise<KafkaServer> {
  try {
    await Promise.all(nodes.map((one) => one.start()));
  } catch (error) {
    await dispose();
    throw error;
  }
  const all = together(nodes);
  const keepCopy = dataDirs === undefined ? undefined : () => copyOf(all, dataDirs);
  return withProcess({ brokers, nodes, dataDirs, keepCopy, dispose }, all);
}

let copies = 0;

async function copyOf(brokers: ServerProcess, dataDirs: readonly string[]): Promise<KafkaCopy> {
  copies += 1;
  const places = dataDirs.map((dataDir) => ({ dataDir, copy: `${dataDir}-copy-${copies}` }));
  await brokers.stop();
  for (const { dataDir, copy } of places) await cp(dataDir, copy, { recursive: true });
  await brokers.start();
  return {
    async putBack() {
      await brokers.stop();
      for (const { dataDir, copy } of places) {
        await rm(dataDir, { recursive: true, force: true });
        await rename(copy, dataDir);
      }
      await brokers.start();
    },
  };
}

function together(nodes: readonly ServerProcess[]): ServerProcess {
  const all = async (act: (node: ServerProcess) => Promise<void>) => void (await Promise.all(nodes.map(act)));
  return {
    get pid() {
      return nodes[0]?.pid ?? -1;
    },
    start: () => all((node) => node.start()),
    kill: () => all((node) => node.kill()),
    stop: () => all((node) => node.stop()),
    pause: () => nodes.forEach((node) => node.pause()),
    resume: () => nodes.forEach((node) => node.resume()),
    output: () => nodes.map((node) => node.output()).join("\n"),
    errors: () => nodes.flatMap((node) => node.errors()),
  };
}
