import type { Admin, ITopicConfig } from "kafkajs";
import kafkajs from "kafkajs";
import { pastElections } from "../client/admin-asking.ts";
import type { KafkaConnection } from "../client/kafka-connection.ts";
import { type TopicName, topics } from "./topic-names.ts";
import { type Retention, topicRules } from "./topic-rules.ts";

export interface TopicWishes extends Retention {
  /**
   * Of the readings and the ledger; a power of two, 1 to 256. Those that the readings have count, where they are there.
   */
  readonly partitions: number;
  /** How many brokers hold each record; as many as there are up to 3 where absent. */
  readonly replication?: number | undefined;
}

/** One thing that is wrong with a topic, and what mends it. */
export interface TopicProblem {
  readonly topic: string;
  readonly problem: string;
  /** Whether records could be lost or bills differ: then a service refuses to start. */
  readonly severe: boolean;
  /** The setting of the topic that mends it; absent where no setting does. */
  readonly set?: { readonly name: string; readonly value: string };
  /** The cluster is as it is: said at the start, and no news later. */
  readonly isLasting?: true;
}

/** Topics with a partition for each of the readings. */
const inShards: ReadonlySet<TopicName> = new Set<TopicName>(["readings", "snapshots"]);

export function topicOf({ settings }: KafkaConnection, name: TopicName): string {
  return settings.topicPrefix + topics[name];
}

/** Makes the topics that are missing and answers their names. */
export async function createTopics(connection: KafkaConnection, wishes: TopicWishes): Promise<string[]> {
  return withAdmin(connection, async (admin) => {
    const there = new Set(await admin.listTopics());
    const { brokers } = await admin.describeCluster();
    const replication = wishes.replication ?? Math.min(3, brokers.length);
    const missing = names().filter((name) => !there.has(topicOf(connection, name)));
    const partitions = missing.includes("readings")
      ? wishes.partitions
      : await partitionsOf(admin, topicOf(connection, "readings"));
    const made = missing.map(
      (name): ITopicConfig => ({
        topic: topicOf(connection, name),
        numPartitions: inShards.has(name) ? partitions : 1,
        replicationFactor: replication,
        configEntries: entries({
          ...Object.fromEntries(topicRules(name, wishes).map(({ setting, wish }) => [setting, wish])),
          ...(replication > 1 ? { "min.insync.replicas": String(replication - 1) } : {}),
        }),
      }),
    );
    const newOnes = made.map(({ topic }) => topic);
    if (made.length > 0) {
      await admin.createTopics({ topics: made, waitForLeaders: true });
      await listed(admin, newOnes);
    }
    return newOnes;
  });
}

async function partitionsOf(admin: Admin, topic: string): Promise<number> {
  const metadata = await admin.fetchTopicMetadata({ topics: [topic] });
  return metadata.topics[0]?.partitions.length ?? 1;
}

class NotListed extends Error {}

/**
 * A broker may not know yet what the controller has made. What it still does not know then is for `checkTopics` to say.
 */
async function listed(admin: Admin, made: readonly string[]): Promise<void> {
  const isPassing = (error: unknown) => error instanceof NotListed;
  async function look(): Promise<void> {
    const there = new Set(await admin.listTopics());
    if (!made.every((topic) => there.has(topic))) throw new NotListed();
  }
  await pastElections(look, isPassing).catch((error: unknown) => {
    if (!isPassing(error)) throw error;
  });
}

/** Everything that is wrong with the topics, in one go, and how many partitions the readings have. */
export async function checkTopics(
  connection: KafkaConnection,
  wishes: Retention,
): Promise<{ readonly partitions: number; readonly problems: readonly TopicProblem[] }> {
  return withAdmin(connection, async (admin) => {
    const there = new Set(await admin.listTopics());
    const present = names().filter((name) => there.has(topicOf(connection, name)));
    const missing = names()
      .filter((name) => !present.includes(name))
      .map((name) => missingTopic(topicOf(connection, name)));
    const { brokers } = await admin.describeCluster();
    const metadata = await admin.fetchTopicMetadata({ topics: present.map((name) => topicOf(connection, name)) });
    const configs = await describeConfigs(
      admin,
      present.map((name) => topicOf(connection, name)),
    );
    const found = present.map((name) => {
      const topic = topicOf(connection, name);
      const partitions = metadata.topics.find((one) => one.name === topic)?.partitions ?? [];
      return { name, topic, partitions, config: configs.get(topic) ?? new Map<string, string>() };
    });
    const readings = found.find(({ name }) => name === "readings");
    const partitions = readings?.partitions.length ?? 0;
    const problems = found.flatMap((topic) => problemsOf(topic, { brokers: brokers.length, partitions }, wishes));
    return { partitions, problems: [...missing, ...problems] };
  });
}

export interface FoundTopic {
  readonly name: TopicName;
  readonly topic: string;
  readonly partitions: readonly { readonly replicas: readonly number[] }[];
  readonly config: ReadonlyMap<string, string>;
}

/**
 * What a topic is judged by: how many brokers there are, and how many partitions the readings have (0 where they are
 * missing).
 */
export interface Surroundings {
  readonly brokers: number;
  readonly partitions: number;
}

/** What is wrong with one topic. */
export function problemsOf(found: FoundTopic, around: Surroundings, wishes: Retention): TopicProblem[] {
  const { topic } = found;
  return [
    ...shapeProblems(found, around).map((problem) => ({ topic, problem, severe: true })),
    ...settingProblems(found, wishes),
    ...weaknesses(found, around.brokers).map((weakness) => ({ topic, severe: false, ...weakness })),
  ];
}

function shapeProblems({ name, partitions: { length } }: FoundTopic, { partitions }: Surroundings): string[] {
  if (name === "readings")
    return isPowerOfTwo(length)
      ? []
      : [
          `has ${length} partitions, and a power of two from 1 to 256 is needed; make it again (METERBOOK_KAFKA_PARTITIONS)`,
        ];
  // Readings that are wrong, or missing, are told by themselves.
  if (inShards.has(name))
    return length === partitions || !isPowerOfTwo(partitions)
      ? []
      : [`has ${length} partitions, and ${partitions} are needed, as many as the readings have; make it again`];
  return length === 1 ? [] : [`has ${length} partitions, and exactly 1 is needed; make it again`];
}

function isPowerOfTwo(count: number): boolean {
  return count > 0 && count <= 256 && (count & (count - 1)) === 0;
}

function settingProblems({ name, topic, config }: FoundTopic, wishes: Retention): TopicProblem[] {
  return topicRules(name, wishes).flatMap(({ setting, isRight, wish, costs, severe }) => {
    const value = config.get(setting);
    if (value === undefined || isRight(value)) return [];
    const problem = `has ${setting}=${value}: ${costs}; set ${setting}=${wish} (\`npm run topics -- --correct\` does it)`;
    return [{ topic, problem, severe, set: { name: setting, value: wish } }];
  });
}

type Weakness = Omit<TopicProblem, "topic" | "severe">;

function weaknesses({ partitions, config }: FoundTopic, brokers: number): Weakness[] {
  const replicas = Math.min(...partitions.map((partition) => partition.replicas.length));
  const inSync = Number(config.get("min.insync.replicas") ?? 1);
  const name = "min.insync.replicas";
  if (brokers === 1 && replicas === 1)
    return [
      { problem: "is on one broker, because there is no other: what that broker loses is lost", isLasting: true },
    ];
  if (replicas < 2)
    return [{ problem: "is on one broker only (METERBOOK_KAFKA_REPLICATION): what that broker loses is lost" }];
  if (inSync < 2)
    return [
      {
        problem: `has ${name}=1: an acknowledged record may be on one broker only; set 2`,
        set: { name, value: "2" },
      },
    ];
  if (inSync >= replicas)
    return [
      {
        problem: `has ${name}=${inSync} of ${replicas}: one broker away stops all writing`,
        ...(replicas > 2 ? { set: { name, value: String(replicas - 1) } } : {}),
      },
    ];
  return [];
}

function missingTopic(topic: string): TopicProblem {
  return {
    topic,
    problem: "is missing; `npm run topics` makes it (or METERBOOK_KAFKA_CREATE_TOPICS=on)",
    severe: true,
  };
}

function names(): TopicName[] {
  return Object.keys(topics) as TopicName[];
}

function entries(config: Record<string, string>): { name: string; value: string }[] {
  return Object.entries(config).map(([name, value]) => ({ name, value }));
}

async function describeConfigs(admin: Admin, found: readonly string[]): Promise<Map<string, Map<string, string>>> {
  if (found.length === 0) return new Map();
  const { resources } = await admin.describeConfigs({
    includeSynonyms: false,
    resources: found.map((name) => ({ type: kafkajs.ConfigResourceTypes.TOPIC, name })),
  });
  return new Map(
    resources.map(({ resourceName, configEntries }) => [
      resourceName,
      new Map(configEntries.map(({ configName, configValue }) => [configName, configValue])),
    ]),
  );
}

export async function withAdmin<Answer>(
  { client }: KafkaConnection,
  work: (admin: Admin) => Promise<Answer>,
): Promise<Answer> {
  const admin = client.admin();
  await admin.connect();
  try {
    return await work(admin);
  } finally {
    await admin.disconnect();
  }
}
