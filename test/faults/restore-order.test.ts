// Goal: Kafka and InfluxDB are restored from backups of different moments, in either order (docs/restore.md): all that
// Kafka holds is taken in again, nothing twice, and no revision changes in silence.
// Method: real servers, copies of their directories, in the order of work of the page.
import { afterAll, describe, expect, onTestFinished, test } from "vitest";
import { type MixedTraffic, mixedTraffic } from "../support/fleets/mixed-traffic.ts";
import { publishAll } from "../support/network/publisher.ts";
import { runCommand } from "../support/processes/command-process.ts";
import { type MeterbookCluster, startCluster } from "../support/processes/meterbook-cluster.ts";
import type { InfluxCopy, InfluxServer } from "../support/servers/influx-server.ts";
import type { KafkaCopy, KafkaServer } from "../support/servers/kafka-server.ts";
import { influxServer, kafkaServer } from "../support/servers/servers.ts";

const [kafka, influx] = await Promise.all([kafkaServer(), influxServer()]);
afterAll(() => Promise.all([kafka?.dispose(), influx?.dispose()]));

const isThere = kafka?.keepCopy !== undefined && influx?.keepCopy !== undefined;

describe.skipIf(!isThere)("backups of different moments", { timeout: 280_000 }, () => {
  test.for(["InfluxDB, then Kafka", "Kafka, then InfluxDB"] as const)(
    "the older copy of InfluxDB and the newer one of Kafka, in this order: %s",
    async (order) => {
      const { cluster, traffic, older, newer, atCopy, atEnd } = await workedOn();
      await stopAll(cluster);
      const steps = [() => older.putBack(), () => newer.putBack()];
      for (const step of order === "InfluxDB, then Kafka" ? steps : steps.reverse()) await step();
      await startAll(cluster);
      await cluster.settled(120_000);
      const after = await issuedBy(cluster, traffic);
      expect(after.readings).toEqual(atCopy.readings);
      expect(after.revisions).toEqual(atCopy.revisions);
      const gone = atEnd.revisions.length - atCopy.revisions.length;
      expect(gone).toBeGreaterThan(0);
      await expect.poll(() => ledgerBehindBy(cluster)).toBe(gone);
      expect(await verifyTopics(cluster)).toMatchObject({ code: 0, output: expect.stringContaining("all is well") });
      await publishAll(() => cluster.mqttUrl, traffic.waves[2] ?? []);
      await cluster.settled(120_000);
      const again = await issuedBy(cluster, traffic);
      expect(again.readings).toEqual(atEnd.readings);
      expect(latestOf(again.revisions)).toEqual(latestOf(atEnd.revisions));
    },
  );

  test("a copy of Kafka that is older than the store: refused and named, nothing passed over, until the store is older", async () => {
    const { cluster, traffic, older, newer, atEnd } = await workedOn();
    await stopAll(cluster);
    await newer.putBack();
    await Promise.all(cluster.ingests.map((one) => one.start()));
    // What comes now gets the offsets of what is gone, and more.
    await publishAll(() => cluster.mqttUrl, [...(traffic.waves[2] ?? []), ...(traffic.waves[1] ?? [])]);
    await Promise.all([...cluster.aggregators, ...cluster.apis].map((one) => one.start()));
    await expect
      .poll(() => problemsOf(cluster), { timeout: 20_000 })
      .toContainEqual(expect.stringMatching(/partition \d .*not the log that the store was filled from/));
    await older.putBack();
    await cluster.settled(120_000);
    const after = await issuedBy(cluster, traffic);
    expect(after.readings).toEqual(atEnd.readings);
    expect(latestOf(after.revisions)).toEqual(latestOf(atEnd.revisions));
  });
});

/** Three waves of reports: InfluxDB was copied after the first, Kafka after the second. */
async function workedOn() {
  const servers = { kafka: kafka as KafkaServer, influx: [influx as InfluxServer] };
  const settings = { METERBOOK_SETTLE_SECONDS: "0" };
  const cluster = await startCluster({ ...servers, ingests: 1, aggregators: 2, apis: 1, settings });
  onTestFinished(() => cluster.dispose());
  const traffic = mixedTraffic({ seed: 11, meters: 6, days: 60, waves: 3 });
  async function wave(number: number): Promise<void> {
    await publishAll(() => cluster.mqttUrl, traffic.waves[number] ?? []);
    await cluster.settled(120_000);
  }
  await wave(0);
  const older = (await influx?.keepCopy?.()) as InfluxCopy;
  await wave(1);
  const newer = (await kafka?.keepCopy?.()) as KafkaCopy;
  await cluster.settled(120_000);
  const atCopy = await issuedBy(cluster, traffic);
  await wave(2);
  return { cluster, traffic, older, newer, atCopy, atEnd: await issuedBy(cluster, traffic) };
}

/** There is one entry for each shard of the ledger. */
async function ledgerBehindBy(cluster: MeterbookCluster): Promise<number> {
  const damage = await cluster.get<{ items: { place: string; code: string; lost: number }[] }>("/v1/damage");
  const behind = damage.items.filter(({ place, code }) => place === "ledger" && code === "store_behind");
  return behind.reduce((sum, { lost }) => sum + lost, 0);
}

interface Revision {
  readonly id: string;
  readonly hash: string;
}

interface IssuedMonths {
  /** In order of issue. */
  readonly revisions: readonly Revision[];
  /** By meter, each `register at value`. */
  readonly readings: Readonly<Record<string, readonly string[]>>;
}

async function issuedBy(cluster: MeterbookCluster, { meterIds }: MixedTraffic): Promise<IssuedMonths> {
  const revisions = await linesOf<Revision>(cluster, "/v1/snapshots/changes");
  const readings: Record<string, string[]> = {};
  for (const meterId of meterIds) {
    const rows = await linesOf<{ register: string; at: string; value: number }>(
      cluster,
      `/v1/meters/${meterId}/readings`,
    );
    readings[meterId] = rows.map(({ register, at, value }) => `${register} ${at} ${value}`);
    expect(new Set(readings[meterId]).size, "each once").toBe(rows.length);
  }
  const ids = revisions.map(({ id }) => id);
  expect(new Set(ids).size, "each revision once").toBe(ids.length);
  return { revisions: revisions.map(({ id, hash }) => ({ id, hash })), readings };
}

/** The hash that stands for each meter and month in the end. */
function latestOf(revisions: readonly Revision[]): Record<string, string> {
  return Object.fromEntries(revisions.map(({ id, hash }) => [id.replace(/\/\d+$/, ""), hash]));
}

async function linesOf<Item>(cluster: MeterbookCluster, path: string): Promise<Item[]> {
  const response = await cluster.request(path, { headers: { accept: "application/x-ndjson" } });
  const text = await response.text();
  if (!response.ok) throw new Error(`GET ${path}: ${response.status} ${text}`);
  return text.split("\n").flatMap((line) => (line === "" ? [] : [JSON.parse(line) as Item]));
}

async function stopAll(cluster: MeterbookCluster): Promise<void> {
  const codes = await Promise.all(
    [...cluster.ingests, ...cluster.aggregators, ...cluster.apis].map((one) => one.stop()),
  );
  expect(codes.every((code) => code === 0)).toBe(true);
}

async function startAll(cluster: MeterbookCluster): Promise<void> {
  await Promise.all([...cluster.ingests, ...cluster.aggregators, ...cluster.apis].map((one) => one.start()));
}

async function problemsOf({ aggregators }: MeterbookCluster): Promise<string[]> {
  const answers = aggregators.map(async ({ httpUrl }) => (await fetch(`${httpUrl}/readyz`)).json());
  return ((await Promise.all(answers)) as { problems: string[] }[]).flatMap(({ problems }) => problems);
}

function verifyTopics(cluster: MeterbookCluster) {
  return runCommand("verify", ["--kafka"], {
    METERBOOK_KAFKA_BROKERS: (kafka as KafkaServer).brokers.join(","),
    METERBOOK_KAFKA_TOPIC_PREFIX: cluster.topicPrefix,
  });
}
