import type { Admin, ITopicConfig } from "kafkajs";
import kafkajs from "kafkajs";
import { pastElections } from "./admin-asking.ts";
import type { KafkaConnection } from "./kafka-connection.ts";

/** The topics of the contract (section 4), without their prefix; commands and replies are between our own processes, in JSON. */
export const topics = {
  readings: "readings.v1",
  rejected: "rejected.v1",
  registry: "registry.v1",
  snapshots: "snapshots.v1",
  billing: "billing.v1",
  damage: "damage.v1",
  tallies: "tallies.v1",
  commands: "commands.v1",
  replies: "replies.v1",
} as const;

export type TopicName = keyof typeof topics;

export interface TopicWishes {
  /** Of the readings; a power of two, 1 to 256. */
  readonly partitions: number;
  /** How many brokers hold each record; as many as there are up to 3 where absent. */
  readonly replication?: number | undefined;
  readonly readingsRetentionDays: number;
  /** Of refused messages; kept for ever where absent. */
  readonly rejectedRetentionDays?: number | undefined;
}

type Retention = Pick<TopicWishes, "readingsRetentionDays" | "rejectedRetentionDays">;

/** One thing that is wrong with a topic, and what mends it. */
export interface TopicProblem {
  readonly topic: string;
  readonly problem: string;
  /** Whether records could be lost or bills differ: then a service refuses to start. */
  readonly severe: boolean;
}

const dayMs = 86_400_000;
/** A frame is at most 512 KiB, a rejected message up to 16 MiB. */
const recordBytesMax = 18 * 1024 * 1024;
const keptForEver: ReadonlySet<TopicName> = new Set<TopicName>(["snapshots", "billing", "rejected", "damage"]);
const compacted: ReadonlySet<TopicName> = new Set<TopicName>(["registry", "tallies"]);
const forEver = { "cleanup.policy": "delete", "retention.ms": "-1", "retention.bytes": "-1" };

/** How each topic must be; what is not named is the broker's own. */
function wanted(
  name: TopicName,
  { readingsRetentionDays, rejectedRetentionDays = 0 }: TopicWishes,
): Record<string, string> {
  if (name === "readings")
    return {
      "cleanup.policy": "delete",
      "retention.ms": String(readingsRetentionDays * dayMs),
      "retention.bytes": "-1",
    };
  if (compacted.has(name)) return { "cleanup.policy": "compact" };
  if (name === "commands" || name === "replies") return { "cleanup.policy": "delete", "retention.ms": "3600000" };
  if (name === "rejected") {
    const retention = rejectedRetentionDays === 0 ? {} : { "retention.ms": String(rejectedRetentionDays * dayMs) };
    return { ...forEver, ...retention, "max.message.bytes": String(recordBytesMax) };
  }
  return forEver;
}

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
    const made = missing.map(
      (name): ITopicConfig => ({
        topic: topicOf(connection, name),
        numPartitions: name === "readings" ? wishes.partitions : 1,
        replicationFactor: replication,
        configEntries: entries({
          ...wanted(name, wishes),
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

class NotListed extends Error {}

/** A broker may not know yet what the controller has made. What it still does not know then is for `checkTopics` to say. */
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
    const problems = found.flatMap((topic) => problemsOf(topic, brokers.length, wishes));
    return { partitions: readings?.partitions.length ?? 0, problems: [...missing, ...problems] };
  });
}

export interface FoundTopic {
  readonly name: TopicName;
  readonly topic: string;
  readonly partitions: readonly { readonly replicas: readonly number[] }[];
  readonly config: ReadonlyMap<string, string>;
}

/** What is wrong with one topic on a cluster of so many brokers. */
export function problemsOf(found: FoundTopic, brokers: number, wishes: Retention): TopicProblem[] {
  const { topic } = found;
  const severe = [...shapeProblems(found), ...retentionProblems(found, wishes)];
  return [
    ...severe.map((problem) => ({ topic, problem, severe: true })),
    ...weaknesses(found, brokers).map((problem) => ({ topic, problem, severe: false })),
  ];
}

function shapeProblems({ name, partitions: { length }, config }: FoundTopic): string[] {
  const problems: string[] = [];
  const isPowerOfTwo = length <= 256 && (length & (length - 1)) === 0;
  if (name === "readings" && !isPowerOfTwo)
    problems.push(
      `has ${length} partitions, and a power of two from 1 to 256 is needed; make it again (METERBOOK_KAFKA_PARTITIONS)`,
    );
  if (name !== "readings" && length !== 1)
    problems.push(`has ${length} partitions, and exactly 1 is needed; make it again`);
  const policy = config.get("cleanup.policy");
  const needed = compacted.has(name) ? "compact" : "delete";
  if (policy !== needed) problems.push(`has cleanup.policy=${policy}; set cleanup.policy=${needed}`);
  return problems;
}

function retentionProblems(
  { name, config }: FoundTopic,
  { readingsRetentionDays, rejectedRetentionDays }: Retention,
): string[] {
  const [ms, bytes] = [config.get("retention.ms"), config.get("retention.bytes")];
  const isForgetful = name === "rejected" && rejectedRetentionDays !== undefined;
  const mustBeKept = keptForEver.has(name) && !isForgetful;
  if (mustBeKept && (ms !== "-1" || bytes !== "-1"))
    return [`forgets records (retention.ms=${ms}, retention.bytes=${bytes}); set both to -1`];
  const days = Number(ms ?? -1) / dayMs;
  if (isForgetful && ((ms !== "-1" && days < rejectedRetentionDays) || bytes !== "-1"))
    return [
      `keeps refused messages for ${days} days and ${bytes} bytes, METERBOOK_REJECTED_RETENTION_DAYS is ${rejectedRetentionDays}; set retention.ms, and retention.bytes=-1`,
    ];
  if (name === "readings" && ms !== "-1" && days < readingsRetentionDays)
    return [
      `keeps readings for ${days} days, METERBOOK_LOG_RETENTION_DAYS is ${readingsRetentionDays}; set retention.ms`,
    ];
  return [];
}

function weaknesses({ partitions, config }: FoundTopic, brokers: number): string[] {
  const replicas = Math.min(...partitions.map((partition) => partition.replicas.length));
  const inSync = Number(config.get("min.insync.replicas") ?? 1);
  if (brokers === 1) return ["is on one broker, because there is no other: what that broker loses is lost"];
  if (replicas < 2) return ["is on one broker only (METERBOOK_KAFKA_REPLICATION): what that broker loses is lost"];
  if (replicas > 1 && inSync < 2)
    return ["has min.insync.replicas=1: an acknowledged record may be on one broker only; set 2"];
  if (replicas > 1 && inSync >= replicas)
    return [`has min.insync.replicas=${inSync} of ${replicas}: one broker away stops all writing`];
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
