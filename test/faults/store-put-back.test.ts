// Goal: an InfluxDB that is put back to an older copy, or whose bucket is made anew, while everything runs is noticed
// and named, and all that Kafka still holds is taken in again (D01, D02).
// Method: a faulty fleet reports meanwhile; its truth is compared.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, onTestFinished, test } from "vitest";
import { startFleet } from "../../simulators/src/fleet/fleet.ts";
import { checkTruth } from "../support/fleets/check-truth.ts";
import { type MeterbookCluster, startCluster } from "../support/processes/meterbook-cluster.ts";
import type { InfluxServer } from "../support/servers/influx-server.ts";
import type { KafkaServer } from "../support/servers/kafka-server.ts";
import { influxServer, kafkaServer } from "../support/servers/servers.ts";

const seed = Number(process.env["SEED"] ?? 20_261_129);
const [kafka, influx] = await Promise.all([kafkaServer(), influxServer()]);
const directory = await mkdtemp(join(tmpdir(), "meterbook-"));
afterAll(async () => {
  await Promise.all([kafka?.dispose(), influx?.dispose()]);
  await rm(directory, { recursive: true, force: true });
});

const history = { from: "2026-09-20T00:00:00+03:00", to: "2026-11-02T00:00:00+02:00", seconds: 43 * 86_400 };
const overSeconds = 30;

const isThere = kafka !== undefined && influx?.keepCopy !== undefined;

describe.skipIf(!isThere)("a store that knows less than it did", { timeout: 280_000 }, () => {
  test.for<{ name: string; lose(server: InfluxServer): Promise<void> }>([
    { name: "D01: put back to an older copy", lose: putBack },
    { name: "D02: its bucket made anew", lose: (server) => server.remakeBucket(`bucket-${clusters}`) },
  ])("$name", async ({ lose }) => {
    console.log(`seed ${seed}`);
    const cluster = await started();
    const truth = join(directory, `truth-${clusters}.ndjson`);
    const fleet = startFleet({
      ...{ url: cluster.mqttUrl, seed, meters: 30, from: history.from, to: history.to, truth, retrySeconds: 200 },
      speed: history.seconds / overSeconds,
      ...{ lost: 0.02, repeated: 0.03, reordered: 0.03, lateHours: 0.02, wrong: 0.01, conflicting: 0.02 },
    });
    while (fleet.now().acknowledged < 8000) await new Promise((resolve) => setTimeout(resolve, 20));
    await lose(influx as InfluxServer);
    await expect.poll(() => noticed(cluster), { timeout: 10_000, interval: 100 }).toBeGreaterThan(0);
    const { acknowledged, messages } = await fleet.done;
    expect(acknowledged).toBe(messages);
    await cluster.settled(120_000);
    const { code, output } = await checkTruth(truth, cluster.httpUrl, ["--redelivered"]);
    expect(code, output).toBe(0);
    const codes = async () =>
      (await cluster.get<{ items: { code: string }[] }>("/v1/damage")).items.map(({ code }) => code);
    await expect.poll(codes).toContain("store_behind");
    const notices = async () => (await cluster.get<{ notices: string[] }>("/readyz")).notices;
    await expect.poll(notices).toContainEqual(expect.stringMatching(/series/));
  });
});

/** The buckets of the server are numbered as the clusters are. */
let clusters = 0;

async function started(): Promise<MeterbookCluster> {
  clusters += 1;
  const servers = { kafka: kafka as KafkaServer, influx: [influx as InfluxServer] };
  const cluster = await startCluster({ ...servers, apis: 1, settings: { METERBOOK_SETTLE_SECONDS: "2" } });
  onTestFinished(() => cluster.dispose());
  return cluster;
}

async function putBack({ keepCopy }: InfluxServer): Promise<void> {
  const copy = await keepCopy?.();
  await new Promise((resolve) => setTimeout(resolve, 5000));
  await copy?.putBack();
}

/** How often the aggregators have noticed it. */
async function noticed({ aggregators }: MeterbookCluster): Promise<number> {
  const texts = await Promise.all(aggregators.map(async ({ httpUrl }) => (await fetch(`${httpUrl}/metrics`)).text()));
  return texts.reduce((sum, text) => sum + Number(/^meterbook_store_behind_total (\d+)/m.exec(text)?.[1] ?? 0), 0);
}
