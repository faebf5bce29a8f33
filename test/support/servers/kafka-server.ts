import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { installedServers } from "../../../infra/servers/installed-servers.ts";
import { kafkaAnswers } from "../../../infra/servers/server-answers.ts";
import { kafkaJvm, kafkaProperties } from "../../../infra/servers/server-configuration.ts";
import type { ServerProcess } from "./server-process.ts";
import { freePorts, serverProcess, withProcess } from "./server-process.ts";

/** A real Apache Kafka (KRaft). What is done to it is done to each broker; `nodes` are for one of them. */
export interface KafkaServer extends ServerProcess {
  /** `host:port` of each broker. */
  readonly brokers: readonly string[];
  /** One process per broker. */
  readonly nodes: readonly ServerProcess[];
  dispose(): Promise<void>;
}

/** Whether `startKafka` can start one here; if not, `howToHave` says what to do. */
export function kafkaIsThere(): boolean {
  const { kafkaLibs, java } = installedServers();
  return kafkaLibs !== undefined && java !== undefined;
}

const clusterId = "meterbook-tests-000000";

export async function startKafka({ brokers: count = 1 }: { brokers?: 1 | 3 } = {}): Promise<KafkaServer> {
  const { kafkaLibs, java } = installedServers();
  if (kafkaLibs === undefined || java === undefined)
    throw new Error("Kafka is not installed: npm run servers -- install");
  const directory = await mkdtemp(join(tmpdir(), "meterbook-kafka-"));
  const ports = await freePorts(2 * count);
  const nodes = Array.from({ length: count }, (_, i) => ({
    id: i + 1,
    port: ports[2 * i] as number,
    controllerPort: ports[2 * i + 1] as number,
    dataDir: join(directory, `data-${i + 1}`),
  }));
  const brokers = nodes.map(({ port }) => `127.0.0.1:${port}`);
  const jvm = kafkaJvm(kafkaLibs);
  const processes = await Promise.all(
    nodes.map(async (node) => {
      const properties = join(directory, `server-${node.id}.properties`);
      await writeFile(properties, kafkaProperties(node, nodes));
      await promisify(execFile)(java, [...jvm, "kafka.tools.StorageTool", "format", "-t", clusterId, "-c", properties]);
      const address = `127.0.0.1:${node.port}`;
      return serverProcess({
        command: java,
        arguments: [...jvm, "kafka.Kafka", properties],
        answers: () => kafkaAnswers(address, brokers.length),
      });
    }),
  );
  async function dispose(): Promise<void> {
    await Promise.all(processes.map((one) => one.kill()));
    await rm(directory, { recursive: true, force: true });
  }
  try {
    await Promise.all(processes.map((one) => one.start()));
  } catch (error) {
    await dispose();
    throw error;
  }
  return withProcess({ brokers, nodes: processes, dispose }, together(processes));
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
