// Goal: month-end values, methods and revisions are right to the watt-hour, whatever happens around midnight; and they
// come out of several processes on Kafka and InfluxDB as they do out of one, byte for byte, while processes are killed
// and one is added.
// Method: houses whose registers are a closed form of time, each with one disturbance, sent through MQTT and read
// through HTTP; the same scenario on each deployment, then what they have issued compared.
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type KillStorm, startKillStorm } from "../support/processes/kill-storm.ts";
import { type MeterbookCluster, startCluster } from "../support/processes/meterbook-cluster.ts";
import type { MeterbookProcess } from "../support/processes/meterbook-process.ts";
import { startMeterbook } from "../support/processes/meterbook-process.ts";
import { seededRandom } from "../support/seeded-random.ts";
import type { InfluxServer } from "../support/servers/influx-server.ts";
import type { KafkaServer } from "../support/servers/kafka-server.ts";
import { influxServer, kafkaServer } from "../support/servers/servers.ts";
import { boundaryHouseScenario, issuedBy } from "./boundary-house.scenario.ts";

const seed = Number(process.env["SEED"] ?? 20_261_126);
// So long that nothing is issued but by the closes that the scenario asks for.
const settings = { METERBOOK_SETTLE_SECONDS: "3600" };

const [kafka, influx] = await Promise.all([kafkaServer(), influxServer()]);
const isThere = kafka !== undefined && influx !== undefined;
afterAll(() => Promise.all([kafka, influx].map((server) => server?.dispose())));

describe("a street of houses over 16 months", { timeout: 300_000 }, () => {
  const servers = { kafka: kafka as KafkaServer, influx: [influx as InfluxServer] };
  let embedded: MeterbookProcess;
  const issued: unknown[] = [];

  describe("in one process", () => {
    beforeAll(async () => {
      embedded = await startMeterbook(settings);
    });
    afterAll(async () => {
      issued.push(await issuedBy(embedded));
      await embedded.dispose();
    });
    boundaryHouseScenario(() => embedded);
  });

  describe("in one process of four shards", () => {
    let sharded: MeterbookProcess;
    beforeAll(async () => {
      sharded = await startMeterbook({ ...settings, METERBOOK_SHARDS: "4" });
    });
    afterAll(() => sharded.dispose());
    boundaryHouseScenario(() => sharded);

    test("what it issues is that of one shard", async () => {
      expect(await issuedBy(sharded)).toEqual(issued[0]);
    });
  });

  describe.skipIf(!isThere)("over our endpoint, two of each process", () => {
    let cluster: MeterbookCluster;
    let storm: KillStorm;
    beforeAll(async () => {
      console.log(`seed ${seed}`);
      cluster = await startCluster({ ...servers, settings });
      const { ingests, aggregators, apis } = cluster;
      storm = startKillStorm(() => [...ingests, ...aggregators, apis[1] as (typeof apis)[number]], {
        random: seededRandom(seed),
        killsMax: 5,
      });
    }, 120_000);
    afterAll(() => cluster.dispose());

    boundaryHouseScenario(() => cluster, "after-kills");

    test("one aggregator more, and the storm is over: both APIs answer as one process does", async () => {
      await cluster.addAggregator();
      await storm.end();
      expect(storm.kills).toBeGreaterThan(2);
      await cluster.settled();
      for (const api of cluster.apis) {
        const client = cluster.clientOf(api);
        const seen = await issuedBy({ mqttUrl: cluster.mqttUrl, httpUrl: api.httpUrl, settled: client.settled });
        expect(seen).toEqual(issued[0]);
      }
    });
  });
});
