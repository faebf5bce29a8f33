// Goal: what must not start is refused by name, and what is weak is said. Method: the rules as a table; a real Kafka for what
// a cluster says of itself.
import { pastElections } from "@meterbook/adapters/kafka/admin-asking";
import { kafkaConnection } from "@meterbook/adapters/kafka/kafka-connection";
import { startOnKafka } from "@meterbook/adapters/kafka/kafka-start";
import { problemsOf, type TopicName } from "@meterbook/adapters/kafka/kafka-topics";
import type { Admin } from "kafkajs";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { type KafkaServer, kafkaIsThere, startKafka } from "../support/servers/kafka-server.ts";

const wishes = { partitions: 4, readingsRetentionDays: 7, createTopics: "off" } as const;
const day = String(86_400_000);
const forEver = { "cleanup.policy": "delete", "retention.ms": "-1", "retention.bytes": "-1" };
const safe = { replicas: 3, brokers: 3, "min.insync.replicas": "2" };

interface Shape {
  readonly partitions?: number;
  readonly replicas?: number;
  readonly brokers?: number;
  readonly [config: string]: string | number | undefined;
}

function problems(name: TopicName, shape: Shape) {
  const { partitions = name === "readings" ? 4 : 1, replicas = 3, brokers = 3, ...config } = shape;
  const found = {
    name,
    topic: `meterbook.${name}`,
    partitions: Array.from({ length: partitions }, () => ({ replicas: Array.from({ length: replicas }, (_, i) => i) })),
    config: new Map(Object.entries(config).map(([key, value]) => [key, String(value)])),
  };
  return problemsOf(found, brokers, wishes);
}

test.for([
  ["snapshots", { ...safe, ...forEver }, []],
  ["snapshots", { ...safe, ...forEver, "retention.ms": day }, [[/forgets records \(retention.ms=86400000/, true]]],
  ["billing", { ...safe, ...forEver, "retention.bytes": "1000" }, [[/forgets records/, true]]],
  ["damage", { ...safe, ...forEver, "retention.ms": day }, [[/forgets records/, true]]],
  ["damage", { ...safe, ...forEver, "cleanup.policy": "compact" }, [[/set cleanup.policy=delete/, true]]],
  ["rejected", { ...safe, ...forEver, "cleanup.policy": "compact" }, [[/set cleanup.policy=delete/, true]]],
  ["snapshots", { ...safe, ...forEver, partitions: 3 }, [[/exactly 1 is needed/, true]]],
  ["registry", { ...safe, ...forEver, "cleanup.policy": "compact" }, []],
  ["registry", { ...safe, ...forEver }, [[/set cleanup.policy=compact/, true]]],
  ["readings", { ...safe, ...forEver, partitions: 256 }, []],
  ["readings", { ...safe, ...forEver, partitions: 12 }, [[/power of two.*METERBOOK_KAFKA_PARTITIONS/, true]]],
  ["readings", { ...safe, ...forEver, partitions: 512 }, [[/power of two/, true]]],
  ["readings", { ...safe, ...forEver, "retention.ms": day }, [[/METERBOOK_LOG_RETENTION_DAYS is 7/, true]]],
  ["snapshots", { ...forEver, brokers: 1, replicas: 1 }, [[/on one broker, because there is no other/, false]]],
  ["snapshots", { ...forEver, brokers: 3, replicas: 1 }, [[/METERBOOK_KAFKA_REPLICATION/, false]]],
  ["snapshots", { ...safe, ...forEver, "min.insync.replicas": "1" }, [[/set 2/, false]]],
  ["snapshots", { ...safe, ...forEver, "min.insync.replicas": "3" }, [[/stops all writing/, false]]],
] as const)("%s of %j: %j", ([name, shape, expected]) => {
  expect(problems(name, shape)).toEqual(
    expected.map(([problem, severe]) => ({
      topic: `meterbook.${name}`,
      problem: expect.stringMatching(problem),
      severe,
    })),
  );
});

test.for([
  [undefined, {}, undefined],
  [undefined, { "retention.ms": day }, /forgets records/],
  [400, {}, undefined],
  [1, { "retention.ms": day }, undefined],
  [400, { "retention.ms": day }, /for 1 days.*METERBOOK_REJECTED_RETENTION_DAYS is 400/],
  [400, { "retention.bytes": "1000" }, /set retention.ms, and retention.bytes=-1/],
] as const)("H10: refused messages are to be kept %s days and the topic has %j: %s", ([days, given, expected]) => {
  const found = {
    name: "rejected" as const,
    topic: "meterbook.rejected",
    partitions: [{ replicas: [1, 2, 3] }],
    config: new Map(Object.entries({ ...safe, ...forEver, ...given }).map(([key, value]) => [key, String(value)])),
  };
  const said = problemsOf(found, 3, { ...wishes, rejectedRetentionDays: days }).map(({ problem }) => problem);
  expect(said).toEqual(expected === undefined ? [] : [expect.stringMatching(expected)]);
});

describe.skipIf(!kafkaIsThere())("on Kafka", { timeout: 60_000 }, () => {
  let kafka: KafkaServer;
  let made = 0;
  beforeAll(async () => {
    kafka = await startKafka();
  }, 60_000);
  afterAll(() => kafka.dispose());

  function connectionTo(brokers: readonly string[] = kafka.brokers) {
    made += 1;
    const settings = { brokers, topicPrefix: `topics${made}.`, compression: "none" } as const;
    return kafkaConnection(settings, { clientId: "test", log: () => undefined });
  }

  async function admin(connection: ReturnType<typeof connectionTo>): Promise<Admin> {
    const one = connection.client.admin();
    await one.connect();
    onTestFinished(() => one.disconnect());
    return one;
  }

  test("where nothing may be made, every topic that is missing is named with what makes it", async () => {
    const connection = connectionTo();
    const { problems: found, partitions } = await startOnKafka(connection, wishes);
    expect(partitions).toBe(0);
    expect(found).toHaveLength(1);
    for (const name of ["readings", "rejected", "registry", "snapshots", "billing", "damage"])
      expect(found[0]).toContain(`${connection.settings.topicPrefix}${name}.v1`);
    expect(found[0]).toContain("`npm run topics` makes it");
  });

  test("what is made is right, is made once, and one broker is said to be weak", async () => {
    const connection = connectionTo();
    const first = await startOnKafka(connection, { ...wishes, createTopics: "on" });
    expect(first).toMatchObject({ partitions: 4, problems: [], warnings: [expect.stringContaining("on one broker")] });
    expect(first.notes.length).toBeGreaterThan(4);
    const second = await startOnKafka(connection, { ...wishes, partitions: 8, createTopics: "on" });
    expect(second).toMatchObject({ partitions: 4, problems: [], notes: [] });
  });

  test("a ledger that forgets and readings in three partitions stop the start, both in one go", async () => {
    const connection = connectionTo();
    const { topicPrefix } = connection.settings;
    const client = await admin(connection);
    const configEntries = [{ name: "retention.ms", value: day }];
    const topics = [
      { topic: `${topicPrefix}readings.v1`, numPartitions: 3 },
      { topic: `${topicPrefix}snapshots.v1`, numPartitions: 1, configEntries },
    ];
    await pastElections(() => client.createTopics({ topics }));
    const { problems: found } = await startOnKafka(connection, { ...wishes, createTopics: "on" });
    expect(found).toEqual([
      expect.stringMatching(/readings.v1: has 3 partitions/),
      expect.stringMatching(/snapshots.v1: forgets records \(retention.ms=86400000/),
    ]);
  });

  test("a broker that is not there is named with its setting", async () => {
    const { problems: found } = await startOnKafka(connectionTo(["127.0.0.1:9"]), wishes);
    expect(found).toEqual([expect.stringMatching(/^METERBOOK_KAFKA_BROKERS=127.0.0.1:9 does not answer/)]);
  });
});
