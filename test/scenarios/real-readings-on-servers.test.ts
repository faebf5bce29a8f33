// Goal: the same real meters through Mosquitto, Kafka and InfluxDB, over two processes of each kind, give the same
// sums, counts and hashes, while an ingest and an aggregator are killed and an aggregator is added. Method: the same
// scenario on a cluster.
import { afterAll, describe } from "vitest";
import { type MeterbookCluster, startCluster } from "../support/processes/meterbook-cluster.ts";
import type { ServiceProcess } from "../support/processes/service-process.ts";
import { influxServer, kafkaServer, mosquittoServer } from "../support/servers/servers.ts";
import { type Deployment, realReadingsScenario } from "./real-readings.scenario.ts";

const [kafka, influx, mosquitto] = await Promise.all([kafkaServer(), influxServer(), mosquittoServer()]);
const isThere = kafka !== undefined && influx !== undefined && mosquitto !== undefined;
afterAll(() => Promise.all([kafka, influx, mosquitto].map((server) => server?.dispose())));

async function restart(process: ServiceProcess | undefined): Promise<void> {
  await process?.kill();
  await process?.start();
}

function disturbancesOf(cluster: MeterbookCluster): (() => Promise<void>)[] {
  return [
    () => restart(cluster.ingests[0]),
    async () => void (await cluster.addAggregator()),
    async () => {
      await Promise.all([restart(cluster.aggregators[1]), restart(cluster.apis[1])]);
    },
  ];
}

describe.skipIf(!isThere)("on servers", () => {
  realReadingsScenario(async (settings, order): Promise<Deployment> => {
    if (!isThere) throw new Error("the servers are not there");
    // A shared subscription deals a meter's messages out to both.
    const ingests = order === "in order" ? 1 : 2;
    const cluster = await startCluster({ kafka, influx: [influx], brokerUrl: mosquitto.url, ingests, settings });
    const disturbances = disturbancesOf(cluster);
    return Object.defineProperties({ disturbances } as never, Object.getOwnPropertyDescriptors(cluster));
  });
});
