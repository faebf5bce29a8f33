// Goal: what must not start is refused by name, and what is weak is said. Method: the rules as a table; a real Kafka
// for what a cluster says of itself.
import { pastElections } from "@meterbook/adapters/kafka/client/admin-asking";
import { kafkaConnection } from "@meterbook/adapters/kafka/client/kafka-connection";
import { commandOf, correctTopics } from "@meterbook/adapters/kafka/topics/correct-topics";
import { lookAtTopics, startOnKafka } from "@meterbook/adapters/kafka/topics/kafka-start";
import { problemsOf } from "@meterbook/adapters/kafka/topics/kafka-topics";
import type { TopicName } from "@meterbook/adapters/kafka/topics/topic-names";
import { watchTopics } from "@meterbook/adapters/kafka/topics/watch-topics";
import type { Admin } from "kafkajs";
import kafkajs from "kafkajs";
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from "vitest";
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
  const {
    partitions = name === "readings" || name === "snapshots" ? 4 : 1,
    replicas = 3,
    brokers = 3,
    ...config
  } = shape;
  const found = {
    name,
    topic: `meterbook.${name}`,
    partitions: Array.from({ length: partitions }, () => ({ replicas: Array.from({ length: replicas }, (_, i) => i) })),
    config: new Map(Object.entries(config).map(([key, value]) => [key, String(value)])),
  };
  return problemsOf(found, { brokers, partitions: 4 }, wishes);
}

test.for([
  ["snapshots", { ...safe, ...forEver }, []],
  [
    "snapshots",
    { ...safe, ...forEver, "retention.ms": day },
    [[/has retention.ms=86400000: it is kept for ever; set retention.ms=-1/, true]],
  ],
  ["billing", { ...safe, ...forEver, "retention.bytes": "1000" }, [[/set retention.bytes=-1/, true]]],
  ["damage", { ...safe, ...forEver, "retention.ms": day }, [[/set retention.ms=-1/, true]]],
  ["damage", { ...safe, ...forEver, "cleanup.policy": "compact" }, [[/set cleanup.policy=delete/, true]]],
  ["rejected", { ...safe, ...forEver, "cleanup.policy": "compact" }, [[/set cleanup.policy=delete/, true]]],
  ["snapshots", { ...safe, ...forEver, partitions: 1 }, [[/has 1 partitions, and 4 are needed/, true]]],
  ["snapshots", { ...safe, ...forEver, partitions: 8 }, [[/has 8 partitions, and 4 are needed/, true]]],
  ["billing", { ...safe, ...forEver, partitions: 3 }, [[/exactly 1 is needed/, true]]],
  ["registry", { ...safe, ...forEver, "cleanup.policy": "compact" }, []],
  ["registry", { ...safe, ...forEver }, [[/set cleanup.policy=compact/, true]]],
  ["registry", { ...safe, "cleanup.policy": "compact", "min.compaction.lag.ms": "0" }, [[/set min.compaction/, true]]],
  ["registry", { ...safe, "cleanup.policy": "compact", "min.compaction.lag.ms": "9223372036854775807" }, []],
  ["readings", { ...safe, ...forEver, partitions: 256 }, []],
  ["readings", { ...safe, ...forEver, partitions: 12 }, [[/power of two.*METERBOOK_KAFKA_PARTITIONS/, true]]],
  ["readings", { ...safe, ...forEver, partitions: 512 }, [[/power of two/, true]]],
  ["readings", { ...safe, ...forEver, "retention.ms": day }, [[/METERBOOK_LOG_RETENTION_DAYS is 7/, true]]],
  ["readings", { ...safe, ...forEver, "retention.bytes": "1000000" }, [[/set retention.bytes=-1/, true]]],
  ["readings", { ...safe, ...forEver, "max.message.bytes": "1048588" }, [[/set max.message.bytes=18874368/, true]]],
  ["rejected", { ...safe, ...forEver, "max.message.bytes": "1048588" }, [[/set max.message.bytes=18874368/, true]]],
  ["registry", { ...safe, ...forEver, "cleanup.policy": "compact", "max.message.bytes": "1048588" }, []],
  ["registry", { ...safe, ...forEver, "cleanup.policy": "compact,delete" }, [[/set cleanup.policy=compact/, true]]],
  ["snapshots", { ...safe, ...forEver, "max.message.bytes": "1000" }, [[/set max.message.bytes=1048576/, true]]],
  ["snapshots", { ...safe, ...forEver, "compression.type": "zstd" }, [[/set compression.type=producer/, true]]],
  ["snapshots", { ...safe, ...forEver, "unclean.leader.election.enable": "true" }, [[/enable=false/, true]]],
  ["readings", { ...safe, ...forEver, "message.timestamp.type": "CreateTime" }, [[/LogAppendTime/, false]]],
  ["snapshots", { ...safe, ...forEver, "message.timestamp.type": "CreateTime" }, []],
  // Two of three brokers are away: nothing about the topics has changed.
  ["snapshots", { ...safe, ...forEver, brokers: 1 }, []],
  ["snapshots", { ...forEver, brokers: 1, replicas: 1 }, [[/on one broker, because there is no other/, false]]],
  ["snapshots", { ...forEver, brokers: 3, replicas: 1 }, [[/METERBOOK_KAFKA_REPLICATION/, false]]],
  ["snapshots", { ...safe, ...forEver, "min.insync.replicas": "1" }, [[/set 2/, false]]],
  ["snapshots", { ...safe, ...forEver, "min.insync.replicas": "3" }, [[/stops all writing/, false]]],
] as const)("%s of %j: %j", ([name, shape, expected]) => {
  expect(problems(name, shape)).toEqual(
    expected.map(([problem, severe]) =>
      expect.objectContaining({ topic: `meterbook.${name}`, problem: expect.stringMatching(problem), severe }),
    ),
  );
});

test.for([
  [undefined, {}, undefined],
  [undefined, { "retention.ms": day }, /it is kept for ever/],
  [400, {}, undefined],
  [1, { "retention.ms": day }, undefined],
  [400, { "retention.ms": day }, /retention.ms=86400000: METERBOOK_REJECTED_RETENTION_DAYS is 400/],
  [400, { "retention.bytes": "1000" }, /set retention.bytes=-1/],
] as const)("H10: refused messages are to be kept %s days and the topic has %j: %s", ([days, given, expected]) => {
  const found = {
    name: "rejected" as const,
    topic: "meterbook.rejected",
    partitions: [{ replicas: [1, 2, 3] }],
    config: new Map(Object.entries({ ...safe, ...forEver, ...given }).map(([key, value]) => [key, String(value)])),
  };
  const said = problemsOf(found, { brokers: 3, partitions: 4 }, { ...wishes, rejectedRetentionDays: days }).map(
    ({ problem }) => problem,
  );
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
      expect.stringMatching(/snapshots.v1: has retention.ms=86400000/),
    ]);
  });

  // Records that are still to come would be taken for damaged ones, and lost.
  test("offsets that are not there to be passed over are refused at the start, each with what is there", async () => {
    const connection = connectionTo();
    const { topicPrefix } = connection.settings;
    await startOnKafka(connection, { ...wishes, createTopics: "on" });
    const topic = `${topicPrefix}readings.v1`;
    const producer = connection.client.producer();
    await producer.connect();
    await producer.send({ topic, messages: ["a", "b", "c"].map((value) => ({ partition: 1, value })) });
    await producer.disconnect();
    const problemsWith = async (...passOver: { topic: string; partition: number; from: number; to: number }[]) => {
      const settings = { ...connection.settings, passOver };
      const other = kafkaConnection(settings, { clientId: "test", log: () => undefined });
      return (await startOnKafka(other, { ...wishes, createTopics: "off" })).problems;
    };
    expect(await problemsWith({ topic, partition: 1, from: 0, to: 2 })).toEqual([]);
    const wrong = await problemsWith(
      { topic, partition: 1, from: 0, to: 3 },
      { topic, partition: 0, from: 0, to: 0 },
      { topic, partition: 4, from: 0, to: 0 },
      { topic: `${topicPrefix}reading.v1`, partition: 0, from: 0, to: 0 },
    );
    expect(wrong).toEqual([
      expect.stringMatching(/^METERBOOK_KAFKA_PASS_OVER=\S+\/1\/0-3: .* ends before 3: its last offset is 2/),
      expect.stringMatching(/\/0\/0-0: .* ends before 0: it holds nothing/),
      expect.stringMatching(/\/4\/0-0: \S+ has partitions 0 to 3$/),
      expect.stringMatching(/reading.v1\/0\/0-0: \S+ is not a topic of ours that is there$/),
    ]);
  });

  test("a ledger that is made for readings that are there has as many partitions", async () => {
    const connection = connectionTo();
    const client = await admin(connection);
    await startOnKafka(connection, { ...wishes, partitions: 8, createTopics: "on" });
    const ledger = `${connection.settings.topicPrefix}snapshots.v1`;
    const partitions = async () => (await client.fetchTopicMetadata({ topics: [ledger] })).topics[0]?.partitions.length;
    expect(await partitions()).toBe(8);
    await client.deleteTopics({ topics: [ledger] });
    await vi.waitFor(async () => expect(await client.listTopics()).not.toContain(ledger), { timeout: 10_000 });
    const made = await startOnKafka(connection, { ...wishes, partitions: 16, createTopics: "on" });
    expect([made.problems, await partitions()]).toEqual([[], 8]);
  });

  // D08: looked at once, at the start.
  test("what somebody changes while we run is told, and that it is right again", async () => {
    const connection = connectionTo();
    const found = await startOnKafka(connection, { ...wishes, createTopics: "on" });
    const topic = `${connection.settings.topicPrefix}readings.v1`;
    const notices = new Map<string, string>();
    const problems = new Map<string, string>();
    const told = (of: Map<string, string>) => ({
      raise: (name: string, detail: string) => void of.set(name, detail),
      clear: (name: string) => void of.delete(name),
    });
    const options = { ...wishes, found, everySeconds: 1, standing: told(problems), notices: told(notices) };
    const watch = watchTopics(connection, options);
    onTestFinished(() => watch.close());
    const client = await admin(connection);
    const kept = { name: "segment.bytes", value: "33554432" };
    const changed = [{ name: "retention.bytes", value: "1000000" }, { name: "retention.ms", value: day }, kept];
    const resources = [{ type: kafkajs.ConfigResourceTypes.TOPIC, name: topic, configEntries: changed }];
    await client.alterConfigs({ validateOnly: false, resources });
    const said = () => [...notices.values()].join("\n");
    await vi.waitFor(() => expect(said()).toMatch(/retention.bytes=1000000.*a start refuses it/), { timeout: 10_000 });
    expect(said()).toContain("METERBOOK_LOG_RETENTION_DAYS is 7");
    const { corrections } = await lookAtTopics(connection, { ...wishes, createTopics: "off" });
    expect(corrections.map((one) => commandOf(connection, one))).toEqual([
      expect.stringMatching(/^kafka-configs.sh .*--entity-name \S+readings.v1 --add-config retention.ms=604800000,/),
    ]);
    await correctTopics(connection, corrections);
    await vi.waitFor(() => expect(said()).toBe(""), { timeout: 10_000 });
    const { resources: now } = await client.describeConfigs({
      includeSynonyms: false,
      resources: [{ type: kafkajs.ConfigResourceTypes.TOPIC, name: topic }],
    });
    expect(now[0]?.configEntries.find(({ configName }) => configName === "segment.bytes")?.configValue).toBe(
      kept.value,
    );
    await client.createPartitions({ topicPartitions: [{ topic, count: 8 }] });
    await vi.waitFor(() => expect([...problems.values()].join()).toMatch(/has 8 partitions, and had 4/), {
      timeout: 10_000,
    });
  });

  test("a broker that is not there is named with its setting", async () => {
    const { problems: found } = await startOnKafka(connectionTo(["127.0.0.1:9"]), wishes);
    expect(found).toEqual([expect.stringMatching(/^METERBOOK_KAFKA_BROKERS=127.0.0.1:9 does not answer/)]);
  });
});
