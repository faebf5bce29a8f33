// Goal: each kind of trouble that went wrong for others gives the right month, in whatever order readings come, in one
// process and on servers. Method: the vectors of test/vectors, all beside each other, through MQTT and the API.
import { afterAll, beforeAll, describe } from "vitest";
import { type MeterbookCluster, startCluster } from "../support/processes/meterbook-cluster.ts";
import { type MeterbookProcess, startMeterbook } from "../support/processes/meterbook-process.ts";
import { influxServer, kafkaServer } from "../support/servers/servers.ts";
import { vectorsScenario } from "./vectors.scenario.ts";

const settings = { METERBOOK_SETTLE_SECONDS: "2" };

const [kafka, influx] = await Promise.all([kafkaServer(), influxServer()]);
afterAll(() => Promise.all([kafka, influx].map((server) => server?.dispose())));

describe("in one process", { timeout: 300_000 }, () => {
  let embedded: MeterbookProcess;
  beforeAll(async () => {
    embedded = await startMeterbook(settings);
  });
  afterAll(() => embedded.dispose());
  vectorsScenario(() => embedded);
});

describe.skipIf(kafka === undefined || influx === undefined)("on servers", { timeout: 300_000 }, () => {
  let cluster: MeterbookCluster;
  beforeAll(async () => {
    if (kafka === undefined || influx === undefined) return;
    cluster = await startCluster({ kafka, influx: [influx], settings });
  }, 120_000);
  afterAll(() => cluster.dispose());
  vectorsScenario(() => cluster);
});
