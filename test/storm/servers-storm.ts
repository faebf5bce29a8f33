import { runCommand } from "../support/processes/command-process.ts";
import { type MeterbookCluster, startCluster } from "../support/processes/meterbook-cluster.ts";
import type { ServiceProcess } from "../support/processes/service-process.ts";
import { type InfluxServer, startInflux } from "../support/servers/influx-server.ts";
import { type KafkaServer, startKafka } from "../support/servers/kafka-server.ts";
import { putMeter } from "./bit-flips.ts";
import { cureDamage } from "./cure-damage.ts";
import { connectionTo, sendDamaged } from "./damaged-records.ts";
import { strikeHostile } from "./hostile-clients.ts";
import { allLost } from "./lost-readings.ts";
import { flipInSegment, type SegmentFlip, type SegmentsToFlip } from "./segment-flips.ts";
import type { StormFault, StormTarget } from "./storm-round.ts";

/** The only one that the cluster has. */
const bucket = "bucket-1";
const topicPrefix = "storm.";

/** Two of each service on a Kafka and an InfluxDB of their own. */
export async function serversStorm(): Promise<StormTarget> {
  const [kafka, influx] = await Promise.all([startKafka(), startInflux()]);
  const endServers = () => Promise.all([kafka.dispose(), influx.dispose()]);
  let cluster: MeterbookCluster;
  try {
    const settings = { METERBOOK_SETTLE_SECONDS: "2", METERBOOK_KAFKA_TOPIC_PREFIX: topicPrefix };
    cluster = await startCluster({ kafka, influx: [influx], settings });
  } catch (error) {
    await endServers();
    throw error;
  }
  const flips: SegmentFlip[] = [];
  const own: Pick<StormTarget, "faults" | "checks" | "cure" | "verify" | "dispose"> = {
    faults: serverFaults(cluster, { kafka, influx, flips }),
    // What was in doubt as Kafka died is sent again, and may be in the log twice: counted as duplicates.
    checks: ["--redelivered"],
    async cure() {
      const cured = await cureDamage(cluster, (meterId) => putMeter(cluster, meterId));
      return allLost([cured, ...flips.map(({ lost }) => lost)]);
    },
    async verify() {
      await verify(cluster);
      await verifyTopics(kafka, flips);
    },
    async dispose() {
      await cluster.dispose();
      await endServers();
    },
  };
  return Object.defineProperties({} as StormTarget, {
    ...Object.getOwnPropertyDescriptors(cluster),
    ...Object.getOwnPropertyDescriptors(own),
  });
}

interface Servers {
  readonly kafka: KafkaServer;
  readonly influx: InfluxServer;
  /** What was flipped on Kafka's disk. */
  readonly flips: SegmentFlip[];
}

function serverFaults(cluster: MeterbookCluster, { kafka, influx, flips }: Servers): StormFault[] {
  const { ingests, aggregators, apis } = cluster;
  const connection = connectionTo(kafka.brokers, topicPrefix);
  const all = () => [...ingests, ...aggregators, ...apis];
  return [
    { name: "a service killed", weight: 5, strike: (random) => killed(oneOf(all(), random)) },
    { name: "a service stopped", weight: 1, strike: (random) => stopped(oneOf(all(), random)) },
    {
      name: "an aggregator stood still",
      weight: 2,
      strike: (random) => stoodStill(oneOf(aggregators, random), 2000 + random() * 8000),
    },
    // A broker that was killed cuts its log off at a bit that flipped: test/faults/log-cut-off.test.ts.
    { name: "Kafka killed", weight: 1, strike: () => (flips.length === 0 ? killed(kafka) : restarted(kafka)) },
    { name: "Kafka stood still", weight: 1, strike: (random) => stoodStill(kafka, 1000 + random() * 9000) },
    { name: "InfluxDB killed", weight: 1, strike: () => killed(influx) },
    { name: "InfluxDB put back to an older copy", weight: 1, strike: (random) => putBack(influx, random) },
    { name: "the bucket made anew", weight: 1, strike: () => influx.remakeBucket(bucket) },
    { name: "hostile clients", weight: 1, strike: (random) => strikeHostile(cluster, random) },
    { name: "a damaged record", weight: 2, strike: (random) => sendDamaged(connection, cluster, random) },
    ...(kafka.dataDirs ?? []).map((dataDir) => ({
      name: "a bit flipped on Kafka's disk",
      weight: 2,
      strike: (random: () => number) => flippedOnDisk({ dataDir, topicPrefix }, flips, random),
    })),
    { name: "InfluxDB stood still", weight: 1, strike: (random) => stoodStill(influx, 1000 + random() * 9000) },
  ];
}

/** Every issued snapshot, by the hash of what the API answers. */
async function verify({ httpUrl }: MeterbookCluster): Promise<void> {
  const { code, output, errors } = await runCommand("verify", ["--api", httpUrl]);
  if (code !== 0) throw new Error(`npm run verify -- --api ended with ${code}\n${output}${errors}`);
}

async function flippedOnDisk(segments: SegmentsToFlip, flips: SegmentFlip[], random: () => number): Promise<string> {
  const flip = await flipInSegment(segments, random);
  if (flip === undefined) return "none, there was no such record yet";
  flips.push(flip);
  return flip.where;
}

/** Whether or not somebody has met it by now, each flip on Kafka's disk is named by its place. */
async function verifyTopics({ brokers }: KafkaServer, flips: readonly SegmentFlip[]): Promise<void> {
  const { output, errors } = await runCommand("verify", ["--kafka"], {
    METERBOOK_KAFKA_BROKERS: brokers.join(","),
    METERBOOK_KAFKA_TOPIC_PREFIX: topicPrefix,
  });
  const unfound = flips.filter(({ where }) => !output.split("\n").some((line) => line.startsWith(`${where} `)));
  if (unfound.length > 0)
    throw new Error(`npm run verify -- --kafka does not name ${JSON.stringify(unfound)}\n${output}${errors}`);
}

/** What a restore from a backup does that is some seconds old. */
async function putBack({ keepCopy }: InfluxServer, random: () => number): Promise<void> {
  const copy = await keepCopy?.();
  await new Promise((resolve) => setTimeout(resolve, 2000 + random() * 8000));
  await copy?.putBack();
}

function oneOf(processes: readonly ServiceProcess[], random: () => number): ServiceProcess {
  return processes[Math.floor(random() * processes.length)] as ServiceProcess;
}

async function killed(process: { kill(): Promise<void>; start(): Promise<void> }): Promise<void> {
  await process.kill();
  await process.start();
}

async function restarted(server: KafkaServer): Promise<string> {
  await server.stop();
  await server.start();
  return "a stop and a start, because a bit of its files has flipped";
}

async function stopped(process: ServiceProcess): Promise<void> {
  const code = await process.stop();
  if (code !== 0) throw new Error(`SIGTERM ended with ${code}\n${process.errors().slice(-3000)}`);
  await process.start();
}

async function stoodStill(process: { pause(): void; resume(): void }, ms: number): Promise<void> {
  process.pause();
  await new Promise((resolve) => setTimeout(resolve, ms));
  process.resume();
}
