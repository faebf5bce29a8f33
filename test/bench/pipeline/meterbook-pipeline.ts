import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type ServiceName, type ServiceProcess, serviceProcess } from "../../support/processes/service-process.ts";
import { startMosquitto } from "../../support/servers/mosquitto-server.ts";
import { freePorts } from "../../support/servers/server-process.ts";
import type { FreshServers } from "../fresh-servers.ts";
import type { Pipeline, RunningPipeline } from "./pipeline.ts";

export interface MeterbookPipelineOptions {
  /** Mosquitto in front, or our own endpoint. */
  readonly behind: "endpoint" | "mosquitto";
  /** Readings of a message. */
  readonly load?: "1" | "32";
  /** Where each process leaves a CPU profile of its whole run. */
  readonly profileDirectory?: string | undefined;
}

/** One ingest and one aggregator of ours. */
export function meterbookPipeline(options: MeterbookPipelineOptions): Pipeline {
  return {
    name: options.behind === "endpoint" ? "Meterbook" : "Meterbook behind Mosquitto",
    load: options.load ?? "1",
    start: (servers) => startMeterbook(options, servers),
  };
}

async function startMeterbook(
  { behind, profileDirectory }: MeterbookPipelineOptions,
  servers: FreshServers,
): Promise<RunningPipeline> {
  const directory = await mkdtemp(join(tmpdir(), "meterbook-bench-"));
  const mosquitto = behind === "mosquitto" ? await startMosquitto() : undefined;
  // The same over a kill, as meters expect.
  const [port = 0] = await freePorts(1);
  const source: Record<string, string> =
    mosquitto === undefined ? { METERBOOK_MQTT_LISTEN: `127.0.0.1:${port}` } : { METERBOOK_MQTT_URL: mosquitto.url };
  const environment = {
    METERBOOK_DATA_DIR: directory,
    METERBOOK_KAFKA_BROKERS: servers.kafka.brokers.join(","),
    METERBOOK_KAFKA_CREATE_TOPICS: "on",
    METERBOOK_KAFKA_PARTITIONS: "4",
    METERBOOK_KAFKA_SESSION_SECONDS: "6",
    METERBOOK_INFLUX_URL: servers.influx.url,
    METERBOOK_INFLUX_TOKEN: servers.influx.token,
    METERBOOK_INFLUX_ORG: servers.influx.org,
    METERBOOK_INFLUX_BUCKET: servers.influx.bucket,
    METERBOOK_SETTLE_SECONDS: "3600",
    ...source,
    ...(profileDirectory === undefined ? {} : profiling(profileDirectory)),
  };
  const service = (name: ServiceName) => serviceProcess(name, { environment, cwd: directory });
  const [ingest, aggregator] = [service("ingest"), service("aggregator")];
  await ingest.start();
  await aggregator.start();
  return {
    port: mosquitto === undefined ? port : Number(new URL(mosquitto.url).port),
    bridge: { ingest, aggregator },
    front: mosquitto === undefined ? {} : { mosquitto },
    // What an aggregator that is new to a meter cannot know to be its newest goes beside the others.
    countQueries: ['SELECT count("1.8.0_Wh") FROM reading', 'SELECT count("1.8.0_Wh_q0") FROM late'],
    rowQueries: ['SELECT m, "1.8.0_Wh" FROM reading', 'SELECT m, "1.8.0_Wh_q0" FROM late'],
    probeQuery: (meterId, at) => `SELECT "1.8.0_Wh" FROM reading WHERE m = '${meterId}' AND time = ${at}s`,
    async dispose() {
      // A profile is written by a process that may say good-bye.
      const end = async (one: ServiceProcess) =>
        void (await (profileDirectory === undefined ? one.kill() : one.stop()));
      await Promise.all([end(ingest), end(aggregator)]);
      await mosquitto?.dispose();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

function profiling(directory: string): Record<string, string> {
  return { NODE_OPTIONS: `--cpu-prof --cpu-prof-interval=500 --cpu-prof-dir=${directory}` };
}
